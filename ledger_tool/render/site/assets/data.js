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

// The value of `search/NAME.js`; null if it could not be loaded, which the next call tries again.
function load(name) {
  if (!loads.has(name)) {
    loads.set(name, new Promise((done) => {
      takers.set(name, done);
      document.head.append(element("script", { src: `${root}search/${name}.js`, onerror: () => fail(name, done) }));
    }));
  }
  return loads.get(name);
}

function fail(name, done) {
  loads.delete(name);
  done(null);
}

// Where the search of a page was, as `#q=app&state=behind&env=prod` has it, or `?q=app`.
function asked() {
  const fragment = location.hash.startsWith("#q=") ? location.hash.slice(1) : "";
  const given = new URLSearchParams(fragment || location.search);
  return { query: given.get("q") ?? "", state: given.get("state") ?? "", environment: given.get("env") ?? "" };
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

// The digests that begin like one, with the records that have or had them: pairs. Null if that could not be loaded.
async function digestsLike({ algorithm, digits }) {
  const name = `digests/${digits.slice(0, 2)}`;
  const shards = await load("digests");
  const shard = shards?.includes(`search/${name}.js`) ? await load(name) : shards && {};
  return shard && Object.entries(shard).filter(([digest]) => {
    const [kind, value] = digest.split(":");
    return value.startsWith(digits) && (!algorithm || kind === algorithm);
  });
}

const ROLES = { image: "is", index: "is the index of", config: "is the config of", replaced: "was" };

// The records that have or had a digest, as a shard lists them; those that differ in nothing but the platform are one.
// Those of an image that was asked for come first.
function placesOf(listed, asked = "") {
  const places = new Map();
  for (const [role, image, tag, platform, ...rest] of listed.filter(Array.isArray)) {
    const key = JSON.stringify([role, image, tag, rest]);
    places.set(key, [role, image, tag, [...(places.get(key)?.[3] ?? []), platform].filter(Boolean), ...rest]);
  }
  // What still has it comes first, and a version before the environments that have it.
  const isAsked = ({ image }) => asked === image || asked.endsWith(`/${image}`) || (asked && image.endsWith(`/${asked}`));
  const rankOf = (place) => (isAsked(place) ? 0 : 4) + (place.until ? 2 : 0) + (place.version ? 1 : 0);
  return [...places.values()].map(placeOf).sort((one, other) => rankOf(one) - rankOf(other));
}

// Why a digest must not be used: a mark counts for the image that has it; that of another image is told with its name.
function yanksOf(places) {
  const [{ image }] = places;
  const isShared = places.some((place) => place.image !== image);
  const own = places.filter((place) => place.yanked && place.image === image).map((place) => (isShared ? `${image}: ${place.yanked}` : place.yanked));
  const others = places.filter((place) => place.yanked && place.image !== image).map((place) => `${place.image}: ${place.yanked}`);
  return { own: [...new Set(own)], others: [...new Set(others)] };
}

// The image in front of the `@` of a reference, without its tag; "" if there is none.
function imageIn(reference) {
  const at = reference.indexOf("@");
  return at < 0 ? "" : reference.slice(0, at).replace(/:[\w.-]+$/, "");
}

// How many places of a digest a shard does not list: a number behind those that it does.
function unlistedOf(listed) {
  return listed.find(Number.isInteger) ?? 0;
}

function placeOf([role, image, tag, platforms, version, source, sourceLink, yanked, since, until, path]) {
  const name = `${image}:${tag}` + (version ? ` as ${version}` : "") + (platforms.length ? ` (${platforms.join(", ")})` : "");
  const words = until && role !== "replaced" ? ROLES[role].replace("is", "was") : ROLES[role];
  return { words, name, image, tag, version, source, sourceLink, yanked, since, until, path };
}
