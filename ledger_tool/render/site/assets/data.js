// What can be searched: scripts that call `ledgerSite.take`, loaded when they are needed. A page that was opened from
// a disk may load scripts, but no other files.
const loads = new Map();
const takers = new Map();

window.ledgerSite = Object.freeze({
  take(name, value) {
    takers.get(name)?.(value);
    takers.delete(name);
  },
});

// The value of `search/NAME.js`; null if there is no such file.
function load(name) {
  if (!loads.has(name)) {
    loads.set(name, new Promise((done) => {
      takers.set(name, done);
      document.head.append(element("script", { src: `${root}search/${name}.js`, onerror: () => done(null) }));
    }));
  }
  return loads.get(name);
}

// Where the search of a page was, as `#q=app&state=behind&env=prod` has it, or `?q=app`.
function asked() {
  const fragment = location.hash.startsWith("#q=") ? location.hash.slice(1) : "";
  const given = new URLSearchParams(fragment || location.search);
  return { query: given.get("q") ?? "", state: given.get("state") ?? "", environment: given.get("env") ?? "" };
}

// The image, tag or digest in what people paste: `docker pull …`, a line of a manifest, a shortened digest.
function pasted(text) {
  const words = text.trim().split(/\s+/).map((word) => word.replace(/^["'`(]+|["'`),;]+$/g, "").replace(/(?:…|\.\.\.)$/, ""));
  const isCommand = words.length > 2 && /^(?:docker|podman|nerdctl|crictl|crane|skopeo)$/.test(words[0]);
  const isReference = (word) => /@sha\d+:|^(?:oci|docker):\/\/|^(?=[^/]*[.:])[\w.-]+(?::\d+)?\//.test(word);
  const last = words.filter(isReference).at(-1) ?? (isCommand ? words.at(-1) : words.join(" "));
  return last.replace(/^(?:oci|docker):\/\//, "");
}

// Digests: `sha256:…`, what follows that, or a reference with one. Null for text that is none.
function digestIn(text) {
  const found = /^(?:[^\s@]+@)?(?:(sha256|sha512):)?([0-9a-f]+)$/i.exec(pasted(text));
  if (!found || (!found[1] && pasted(text).includes("@"))) {
    return null;
  }
  return { algorithm: found[1]?.toLowerCase() ?? "", digits: found[2].toLowerCase() };
}

const FEWEST_DIGITS = 12;

// The digests that begin like one, with the records that have or had them: pairs.
async function digestsLike({ algorithm, digits }) {
  const name = `digests/${digits.slice(0, 2)}`;
  const isThere = (await load("digests"))?.includes(`search/${name}.js`);
  const shard = isThere ? await load(name) : null;
  return Object.entries(shard ?? {}).filter(([digest]) => {
    const [kind, value] = digest.split(":");
    return value.startsWith(digits) && (!algorithm || kind === algorithm);
  });
}

const ROLES = { image: "is", index: "is the index of", config: "is the config of", replaced: "was" };

// The records that have or had a digest, as a shard lists them; those that differ in nothing but the platform are one.
function placesOf(listed) {
  const places = new Map();
  for (const [role, image, tag, platform, ...rest] of listed) {
    const key = JSON.stringify([role, image, tag, rest]);
    places.set(key, [role, image, tag, [...(places.get(key)?.[3] ?? []), platform].filter(Boolean), ...rest]);
  }
  // What still has it comes first, and a version before the environments that have it.
  const rankOf = ({ until, version }) => (until ? 2 : 0) + (version ? 1 : 0);
  return [...places.values()].map(placeOf).sort((one, other) => rankOf(one) - rankOf(other));
}

function placeOf([role, image, tag, platforms, version, source, sourceLink, yanked, since, until, path]) {
  const name = `${image}:${tag}` + (version ? ` as ${version}` : "") + (platforms.length ? ` (${platforms.join(", ")})` : "");
  const words = until && role !== "replaced" ? ROLES[role].replace("is", "was") : ROLES[role];
  return { words, name, image, tag, version, source, sourceLink, yanked, since, until, path };
}
