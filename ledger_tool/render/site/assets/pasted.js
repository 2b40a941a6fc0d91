// What people paste into the search: a command, an error, a line of a manifest, an address; and what they mean by it.
const CLIENTS = new Set(["buildah", "cosign", "crane", "crictl", "ctr", "docker", "kubectl", "ledger", "nerdctl", "oras", "podman", "regctl", "skopeo"]);
const BETWEEN = /[\s"'`<>()[\]{}“”‘’«»|,;*\\]+/; // none of these is in a reference
const LONGEST = 4096; // characters, so that no address with a search in it stops the page
const UNSEEN = /[\u200b-\u200d\u2060\ufeff]/g;

// What a word may be, the surest first: a digest, a tag behind a path, a path at a registry.
const SURE = [
  /(?:^|@)sha\d+:[0-9a-f]+$|^[0-9a-f]{64}$/i,
  /^[a-z\d][\w.-]*(?::\d+)?(?:\/[\w.-]+)+:\w[\w.-]*$/i,
  /^(?=[^/]*[.:])[a-z\d][\w.-]*(?::\d+)?\/[\w.-]/i,
];
const TAGGED = /^[a-z\d][a-z\d._-]*:\w[\w.-]*$/;

// A word as a reference: without what tools and people put around one.
function bare(word) {
  return word
    .replace(/(?:…|\.\.\.).*$/, "")
    .replace(/[.:?!]+$/, "")
    .replace(/^(?:--?)?[\w.-]+=(?=.)/, "")
    .replace(/^[a-z][a-z\d+.-]*:\/\/|^pkg:(?:oci|docker)\//i, "")
    .replace(/[?#].*$/, "")
    .replace(/@(sha\d+)%3a/i, "@$1:") // in a package URL
    .replace(/^([\w-]+\.[\w.-]+):(?:443|80)\//, "$1/")
    .replace(/^([^/]+)\/v2\/(.+)\/(?:manifests|blobs|referrers)\/(?=sha\d+:)/, "$1/$2@") // as a registry is asked
    .replace(/^([^/]+)\/v2\/(.+)\/manifests\//, "$1/$2:")
    .replace(/^(sha\d+)-(?=[0-9a-f]{12})/i, "$1:") // as tags of signatures have it
    .replace(/:(sha\d+)-(?=[0-9a-f]{12})/i, "@$1:")
    .replace(/(sha\d+:[0-9a-f]{12,})\.(?:sig|att|sbom)$/i, "$1");
}

// The image, tag or digest that is meant; else the words as they are.
function pasted(text) {
  const parts = text.slice(0, LONGEST).replace(UNSEEN, "").split(BETWEEN).map(bare).filter(Boolean);
  for (const sure of SURE) {
    const last = parts.findLast((part) => sure.test(part));
    if (last) {
      return last;
    }
  }
  const [first = "", ...others] = parts.filter((part) => !/^(?:[$%#+-]+|sudo)$/.test(part));
  const isCommand = CLIENTS.has(first) && others.length > 1;
  const tagged = isCommand || /^(?:image|from)$/i.test(first) ? others.findLast((part) => TAGGED.test(part)) : "";
  return tagged || (isCommand ? others.at(-1) : parts.join(" ") + (/:\s*$/.test(text) ? ":" : ""));
}
