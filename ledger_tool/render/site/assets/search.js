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
  return { name, isOther: letters.includes("o"), states: [...letters].map((letter) => LETTERS[letter]).filter(Boolean), isNewest: letters.includes("n") };
}

function entriesOf(data) {
  return data.images.map(([image, tags, letters, cells, times, path = `images/${image}.html`]) => ({
    image, tags, times, path, states: flagged(`!${letters}`).states, listed: cells,
    get cells() { // taken apart when it is looked at, since few are
      return this.listed ? this.listed.split(" ").map(flagged) : [];
    },
  }));
}

// How well a word fits an image: the smaller, the better; -1 if not.
function rankOfWord(image, word) {
  const at = image.indexOf(word);
  if (at < 0) {
    return -1;
  }
  const last = image.slice(image.lastIndexOf("/") + 1);
  return image === word ? 0 : last === word ? 1 : last.startsWith(word) ? 2 : at === 0 || image[at - 1] === "/" ? 3 : 4;
}

function rank(image, words) {
  const ranks = words.map((word) => rankOfWord(image, word));
  return ranks.includes(-1) ? -1 : Math.max(0, ...ranks);
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

function hit(image, tag, states, path, ...note) {
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

// When a tag was published, and which environments have it.
function tagNote(entry, name, minutes, data) {
  const holding = entry.cells.flatMap((cell, at) => (cell.name === name && !cell.isOther ? [data.environments[at]] : []));
  return [time(new Date(minutes * 60000).toISOString(), "age"), holding.length ? ` · ${holding.join(", ")}` : ""];
}

// The hits for tags of an image, each with how well it fits, and made when it is shown.
function tagHits(entry, fit, word, state, environment, data) {
  entry.lowered ??= entry.tags.toLowerCase();
  if (!entry.lowered.includes(word)) {
    return [];
  }
  const times = entry.times.split(" ").map((digits) => parseInt(digits, 36));
  return entry.tags.split(" ").flatMap((text, number) => {
    const { name, states } = flagged(text);
    const lowered = name.toLowerCase();
    const cell = environment < 0 ? null : entry.cells[environment];
    if (cell && (cell.name !== name || cell.isOther)) {
      return [];
    }
    if (!name || !lowered.includes(word) || (state && !states.includes(state))) {
      return [];
    }
    const place = lowered === word ? 0 : lowered.startsWith(word) ? 1 : 2;
    const make = () => hit(entry.image, name, states, `${tagPath(entry, number, data)}#${name}`, ...tagNote(entry, name, times[number], data));
    return [[3 * fit + place, make, times[number]]];
  });
}

// The hits for what environments have of an image: `app:prod` is asked for like a tag.
function environmentHits(entry, fit, word, state, only, data) {
  return data.environments.flatMap((environment, at) => {
    const cell = (only < 0 || only === at) && word && entry.listed && environment.toLowerCase().includes(word) ? entry.cells[at] : null;
    if (!cell?.name || (state && !cell.states.includes(state))) {
      return [];
    }
    return [[3 * fit + 1, () => hit(entry.image, environment, cell.states, `${entry.path}#~env-${environment}`, cell.name)]];
  });
}

const TAG_STATES = new Set(["yanked", "expiring", "expired", "forced"]);

// What is asked for: words of images, and one of tags, which follows a colon or comes last.
function parted(query) {
  const at = query.lastIndexOf(":");
  const words = (at < 0 ? query : query.slice(0, at)).split(/\s+/).filter(Boolean);
  return { words, tag: at < 0 ? null : query.slice(at + 1).trim() };
}

// The hits of a query, the best first: functions that make them.
function found(data, { query, state, environment }) {
  const { words, tag } = parted(query.toLowerCase());
  const at = data.environments.indexOf(environment);
  const ofTags = TAG_STATES.has(state);
  if (environment && at < 0) {
    return [];
  }
  const images = [];
  const tags = [];
  for (const entry of data.entries) {
    if (at >= 0 && !entry.cells[at]?.name) {
      continue;
    }
    const fit = rank(entry.image, words);
    if (fit >= 0 && tag === null && !ofTags && imageHas(entry, state, at)) {
      images.push([fit, () => imageHit(entry, at, data)]);
    }
    if (fit >= 0 && (tag !== null || ofTags)) {
      tags.push(...tagHits(entry, fit, tag ?? "", state, at, data), ...environmentHits(entry, fit, tag ?? "", state, at, data));
    } else if (fit < 0 && tag === null && (!state || ofTags)) {
      const ofOthers = rank(entry.image, words.slice(0, -1));
      if (ofOthers >= 0) {
        const word = words.at(-1);
        tags.push(...tagHits(entry, ofOthers, word, state, at, data), ...environmentHits(entry, ofOthers, word, state, at, data));
      }
    }
  }
  const best = (pairs) => pairs.sort((one, other) => one[0] - other[0] || (other[2] ?? Infinity) - (one[2] ?? Infinity) || 0).map((pair) => pair[1]);
  return [...best(images), ...best(tags)];
}

// A reference as people paste it has a registry in front, perhaps with a path, which the ledger's names have not.
function withoutHost(query, data) {
  const slash = Math.max(query.indexOf("/"), 0);
  const host = query.slice(0, slash).toLowerCase();
  const asked = host + query.slice(slash);
  const matching = data.prefixes.filter(([theirs]) => asked.startsWith(theirs)).sort((one, other) => other[0].length - one[0].length);
  const names = matching.map(([theirs, ours]) => ours + asked.slice(theirs.length));
  if (names.length) {
    return names.find((name) => isImage(name, data)) ?? names[0];
  }
  const isHost = /[.:]/.test(host) && !data.entries.some((entry) => entry.image.startsWith(`${host}/`));
  return isHost ? query.slice(slash + 1) : query;
}

function isImage(name, data) {
  data.names ??= new Set(data.entries.map((entry) => entry.image));
  return data.names.has(name.split(":")[0].toLowerCase());
}

// How many characters to change, swap, add or leave out to get from one word to another; anything over `most` is one more.
function distance(one, other, most) {
  if (Math.abs(one.length - other.length) > most) {
    return most + 1;
  }
  let twoAbove = [];
  let above = [...Array(other.length + 1).keys()];
  for (let row = 1; row <= one.length; row += 1) {
    const line = [row];
    for (let column = 1; column <= other.length; column += 1) {
      const change = above[column - 1] + (one[row - 1] === other[column - 1] ? 0 : 1);
      const isSwap = row > 1 && column > 1 && one[row - 1] === other[column - 2] && one[row - 2] === other[column - 1];
      line.push(Math.min(change, above[column] + 1, line[column - 1] + 1, isSwap ? twoAbove[column - 2] + 1 : Infinity));
    }
    [twoAbove, above] = [above, line];
  }
  return above[other.length];
}

const MOST_NEAR = 5;

// The images whose names, or the last parts of them, are nearly what was typed.
function nearest(data, query) {
  const word = query.toLowerCase().split(/[\s:]/)[0];
  const lastOf = (name) => name.slice(name.lastIndexOf("/") + 1);
  const last = lastOf(word);
  const near = data.entries.flatMap((entry) => {
    const whole = word === last ? Infinity : farFrom(word, entry.image);
    const far = Math.min(whole, farFrom(last, lastOf(entry.image)) + (word === last ? 0 : MOST_FAR));
    return far < Infinity ? [[far, entry]] : [];
  });
  return near.sort((one, other) => one[0] - other[0]).slice(0, MOST_NEAR).map((pair) => pair[1]);
}

const MOST_FAR = 2;

// How far a name is from what was typed; Infinity if that is not meant.
function farFrom(word, name) {
  const most = Math.min(MOST_FAR, Math.floor(word.length / 3));
  const far = most < 1 ? Infinity : distance(word, name, most);
  return far <= most ? far : Infinity;
}

// The hits for what may be meant: with less of a path, as behind a mirror, or with another spelling.
function meant(data, query) {
  const parts = query.split("/");
  const end = parts.slice(1).map((_, at) => parts.slice(at + 1).join("/")).find((name) => isImage(name, data));
  const hits = end ? found(data, { query: end, state: "", environment: "" }) : [];
  return hits.length ? hits.slice(0, MOST_NEAR).map((each) => each()) : nearest(data, query).map((entry) => imageHit(entry, -1, data));
}

// Lines that list all of a state, if what was typed is its name.
function stateLines(data, query) {
  const word = query.toLowerCase();
  return Object.entries(STATES).filter(([state, name]) => data.states.has(state) && [state, name.toLowerCase()].includes(word)).map(([state, name]) => {
    const count = found(data, { query: "", state, environment: "" }).length;
    const words = `Show everything marked “${name.toLowerCase()}” (${count.toLocaleString("en")})`;
    return () => element("li", {}, element("a", { className: "hit", href: `#q=&state=${state}` }, words));
  });
}

function hitLine({ image, tag, states, path, note }) {
  const badges = states.flatMap((state) => [
    " ", element("span", { className: `badge ${ROLE_OF[state] ?? "doubtful"}` }, STATES[state].toLowerCase()),
  ]);
  const name = element("span", { className: "name" }, image + (tag ? `:${tag}` : ""));
  return element("li", {}, element("a", { className: "hit", href: root + path }, name, ...badges, " ", element("span", { className: "muted" }, ...note)));
}

// The lines of digests; null if none was asked for, or if their data could not be loaded.
async function digestLines(query) {
  const digest = digestIn(query);
  if (!digest || digest.digits.length < FEWEST_DIGITS) {
    return null;
  }
  const like = await digestsLike(digest);
  return like && like.flatMap(([value, listed]) => linesOf(value, placesOf(listed, imageIn(query)), unlistedOf(listed)));
}

// The lines of a digest: one for each image that has or had it, since each has marks and environments of its own.
function linesOf(digest, places, unlisted) {
  const images = [...new Set(places.map((place) => place.image))];
  const shown = images.slice(0, MOST_NEAR);
  const hidden = places.filter((place) => !shown.includes(place.image)).length + unlisted;
  return shown.map((image) => {
    const [first, ...others] = places.filter((place) => place.image === image);
    const holding = others.filter((place) => place.version && !place.until);
    const more = others.length - holding.length + (image === shown.at(-1) ? hidden : 0);
    const yanked = [first, ...others].some((place) => place.yanked) ? [" ", element("span", { className: "badge bad" }, "yanked")] : [];
    const held = holding.length ? ` · ${holding.slice(0, 5).map((place) => place.tag).join(", ")}${holding.length > 5 ? ", …" : ""} ${holding.length > 1 ? "have" : "has"} it` : "";
    const line = element("a", { className: "hit", href: `${root}digest.html#${digest}` },
      element("span", { className: "name mono" }, `${digest.slice(0, 19)}…`), " ", element("span", {}, `${first.words} ${first.name}`),
      ...yanked, element("span", { className: "muted" }, `${held}${more ? ` · and ${more} more` : ""}`));
    return element("li", {}, line);
  });
}
