// The search: images, image:tags and digests, by words and by state.
const MOST = 50;
const STATES = {
  unfit: "Unfit version", behind: "Behind", ahead: "Ahead", differs: "Differs", drift: "Drift", running: "Not running as recorded",
  yanked: "Yanked", expiring: "Expiring", expired: "Expired", forced: "Forced",
};
const LETTERS = { u: "unfit", b: "behind", a: "ahead", d: "differs", x: "drift", r: "running", y: "yanked", e: "expiring", z: "expired", f: "forced" };
const ROLE_OF = { unfit: "bad", yanked: "bad", expired: "bad", drift: "bad", running: "bad" };

// `v1.5.0!yf` as a name and the states that its letters stand for.
function flagged(text) {
  const [name, letters = ""] = text.split("!");
  return { name, states: [...letters].map((letter) => LETTERS[letter]).filter(Boolean), isNewest: letters.includes("n") };
}

function entriesOf(data) {
  return data.images.map(([image, tags, letters, cells, path = `images/${image}.html`]) => ({
    image, tags, path, states: flagged(`!${letters}`).states, listed: cells,
    get cells() { // taken apart when it is looked at, since few are
      return this.listed ? this.listed.split(" ").map(flagged) : [];
    },
  }));
}

// How well words fit an image: the smaller, the better; -1 if not.
function rank(image, query) {
  const at = image.indexOf(query);
  if (at < 0) {
    return -1;
  }
  const last = image.lastIndexOf("/") + 1;
  return image === query ? 0 : at === last ? 1 : at === 0 || image[at - 1] === "/" ? 2 : 3;
}

function tagPath(entry, number, data) {
  const page = Math.floor(number / data.tagsPerPage) + 1;
  return page > 1 ? entry.path.replace(/\.html$/, `~${page}.html`) : entry.path;
}

// Whether an image is in a state itself: in an environment, if one is given, or at all.
function imageHas(entry, state, environment) {
  if (environment < 0 && (!state || entry.states.includes(state))) {
    return true;
  }
  const cells = environment < 0 ? entry.cells : [entry.cells[environment]];
  const present = cells.filter((cell) => cell?.name);
  if (environment >= 0 && !present.length) {
    return false;
  }
  return !state || entry.states.includes(state) || present.some((cell) => cell.states.includes(state));
}

function hit(image, tag, states, path, note = "") {
  return { image, tag, states, path, note };
}

function imageHit(entry, environment, data) {
  const tags = entry.tags ? entry.tags.split(" ") : [];
  const newest = tags.map(flagged).find((tag) => tag.isNewest);
  const cells = entry.cells.map((cell, at) => ({ ...cell, at })).filter((cell) => cell.name);
  const shown = environment < 0 ? cells.filter((cell) => cell.states.length) : cells.filter((cell) => cell.at === environment);
  const held = shown.map((cell) => `${data.environments[cell.at]} ${cell.name}`);
  const states = [...new Set([...entry.states, ...shown.flatMap((cell) => cell.states)])];
  return hit(entry.image, "", states, entry.path, [newest ? `newest ${newest.name}` : "", ...held].filter(Boolean).join(", "));
}

function tagHits(entry, tagQuery, state, data) {
  if (!entry.tags.includes(tagQuery)) {
    return [];
  }
  return entry.tags.split(" ").flatMap((text, number) => {
    const tag = flagged(text);
    const fits = tag.name.includes(tagQuery) && (!state || tag.states.includes(state));
    return fits ? [hit(entry.image, tag.name, tag.states, `${tagPath(entry, number, data)}#${tag.name}`)] : [];
  });
}

const TAG_STATES = new Set(["yanked", "expiring", "expired", "forced"]);

// The hits of a query, the best first.
function found(data, { query, state, environment }) {
  const words = query.trim().replace(/^https?:\/\//, "");
  const [imagePart, tagPart] = words.includes(":") ? [words.slice(0, words.lastIndexOf(":")), words.slice(words.lastIndexOf(":") + 1)] : [words, null];
  const wanted = imagePart.toLowerCase();
  const at = data.environments.indexOf(environment);
  const ofTags = TAG_STATES.has(state);
  const images = [];
  const tags = [];
  for (const entry of data.entries) {
    const fit = rank(entry.image, wanted);
    const isIn = at < 0 || entry.cells[at]?.name;
    if (!isIn) {
      continue;
    }
    if (fit >= 0 && tagPart === null && !ofTags && imageHas(entry, state, at)) {
      images.push([fit, imageHit(entry, at, data)]);
    }
    if (fit >= 0 && (tagPart !== null || ofTags)) {
      tags.push(...tagHits(entry, tagPart ?? "", state, data).map((each) => [fit, each]));
    } else if (words && fit < 0 && (!state || ofTags)) {
      tags.push(...tagHits(entry, words, state, data).map((each) => [each.tag === words ? 0 : 4, each]));
    }
  }
  const best = (pairs) => pairs.sort((one, other) => one[0] - other[0]).map((pair) => pair[1]);
  return [...best(images), ...best(tags)];
}

// A reference as people paste it has a registry in front, which the ledger's names have not.
function withoutHost(query, data) {
  const slash = query.indexOf("/");
  const host = query.slice(0, slash);
  return slash > 0 && /[.:]/.test(host) && !data.entries.some((entry) => entry.image.startsWith(`${host}/`)) ? query.slice(slash + 1) : query;
}

function hitLine({ image, tag, states, path, note }) {
  const badges = states.flatMap((state) => [
    " ", element("span", { className: `badge ${ROLE_OF[state] ?? "doubtful"}` }, STATES[state].toLowerCase()),
  ]);
  const name = element("span", { className: "name" }, image + (tag ? `:${tag}` : ""));
  return element("li", {}, element("a", { className: "hit", href: root + path }, name, ...badges, " ", note ? element("span", { className: "muted" }, note) : ""));
}

async function digestLines(query) {
  const digest = digestIn(query);
  if (!digest || digest.digits.length < FEWEST_DIGITS) {
    return null;
  }
  return (await digestsLike(digest)).map(([value, listed]) => {
    const places = placesOf(listed);
    const { words, name } = places[0];
    const more = places.length > 1 ? `, and ${places.length - 1} more` : "";
    const hitOfIt = element("a", { className: "hit", href: `${root}digest.html#${value}` },
      element("span", { className: "name mono" }, `${value.slice(0, 19)}…`), " ", element("span", {}, `${words} ${name}${more}`));
    return element("li", {}, hitOfIt);
  });
}
