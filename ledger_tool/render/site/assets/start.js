// The search's field, filters and keys, and what a page does when it opens.
const field = byId("~search");
const results = byId("~results");
const main = byId("~main");
const content = byId("~content");
const title = byId("~results-title");
const status = element("p", { className: "status", role: "status" });
const list = element("ol", { className: "plain" });
const more = element("button", { type: "button", hidden: true }, "Show more");
const clear = element("button", { type: "button", className: "clear" }, "Clear search");
const pageTitle = document.title;
const placeBefore = asked().query || asked().state || asked().environment ? "" : location.hash;
let filters = null;
let latestTurn = 0;

function choice(name, label, options) {
  const select = element("select", { name });
  select.append(...options.map(([value, text]) => element("option", { value }, text)));
  select.addEventListener("change", () => search());
  return [element("label", {}, label, select), select];
}

function makeFilters(data, wanted) {
  const states = Object.entries(STATES).filter(([state]) => data.states.has(state) || state === wanted.state);
  const [stateLabel, state] = choice("state", "State", [["", "Any"], ...states]);
  const environments = [...new Set([...data.environments, wanted.environment].filter(Boolean))]; // one may be gone
  const [environmentLabel, environment] = choice("env", "Environment", [["", "Any"], ...environments.map((each) => [each, each])]);
  state.value = wanted.state in STATES ? wanted.state : "";
  environment.value = wanted.environment;
  const labels = [states.length ? stateLabel : "", environments.length ? environmentLabel : ""];
  results.replaceChildren(title, element("div", { className: "filters" }, ...labels, element("a", { href: `${root}states.html` }, "What the states mean")), element("div", { className: "found" }, status, clear), list, more);
  filters = { state, environment };
}

async function imagesData() {
  const data = await load("images");
  if (data && !data.entries) {
    data.entries = entriesOf(data);
    const letters = new Set();
    for (const { listed, tags, states } of data.entries) {
      (`${listed} ${tags}`.match(/!\w+/g) ?? []).forEach((each) => letters.add(each));
      states.forEach((state) => letters.add(`!${Object.keys(LETTERS).find((letter) => LETTERS[letter] === state)}`));
    }
    data.states = new Set([...letters].flatMap((each) => flagged(each).states));
  }
  return data;
}

function remember({ query, state, environment }, isOn) {
  const parts = [["q", query], ["state", state], ["env", environment]].filter(([key, value]) => value || key === "q");
  const here = location.pathname + location.search;
  // A page from a disk may change nothing but its fragment.
  const words = new URLSearchParams(parts).toString().replaceAll("%3A", ":").replaceAll("%2F", "/");
  setAddress(isOn ? `#${words}` : placeBefore || (location.protocol === "file:" ? "#" : here));
}

function hideResults() {
  results.hidden = true;
  content.hidden = false;
  document.title = pageTitle;
  latestTurn += 1;
}

function close() {
  hideResults();
  remember({}, false);
}

function show(lines, nothing) {
  const count = lines.length;
  let shown = 0;
  function next() {
    const start = shown;
    list.append(...lines.slice(shown, shown + MOST).map((line) => line()));
    shown += MOST;
    more.hidden = shown >= lines.length;
    if (start) {
      list.children[start]?.querySelector("a")?.focus();
    }
  }
  list.replaceChildren();
  more.onclick = next;
  next();
  status.textContent = count === 0 ? nothing : `${count.toLocaleString("en")} result${count === 1 ? "" : "s"}`;
}

async function search(wanted = null) {
  const turn = ++latestTurn;
  const data = await imagesData();
  if (turn !== latestTurn) {
    return;
  }
  if (!data) {
    results.replaceChildren(title, status);
    status.textContent = "The search's data could not be loaded";
    results.hidden = false;
    return;
  }
  if (!filters || wanted) {
    makeFilters(data, wanted ?? asked());
  }
  const query = field.value.trim();
  const now = { query, state: filters.state.value, environment: filters.environment.value };
  if (!query && !now.state && !now.environment) {
    close();
    return;
  }
  const reference = pasted(query);
  const digests = await digestLines(reference);
  if (turn !== latestTurn) {
    return;
  }
  if (digests?.length) { // which no filter narrows
    now.state = now.environment = filters.state.value = filters.environment.value = "";
  }
  const name = withoutHost(reference.split("@")[0], data);
  const hits = found(data, { ...now, query: name });
  const isHex = /^[0-9a-f]+$/i.test(reference); // as tags may be that are named for commits
  const named = digests?.length && !isHex ? [] : [...stateLines(data, query), ...hits.map((each) => () => hitLine(each()))];
  const lines = [...(digests ?? []).map((line) => () => line), ...named];
  const near = lines.length || now.state || now.environment ? [] : meant(data, name);
  const digest = digestIn(reference);
  const isUnread = digest && digest.digits.length >= FEWEST_DIGITS && !digests;
  const isShort = digest && digest.digits.length < FEWEST_DIGITS && (reference.includes("@") || reference.includes("sha") || !lines.length);
  show(lines.length ? lines : near.map((each) => () => hitLine(each)), "Nothing found");
  if (near.length) {
    status.textContent = "Nothing found. Did you mean:";
  }
  if (isUnread) {
    status.textContent = "The data about digests could not be loaded. Try again in a moment.";
  } else if (isShort) {
    status.textContent += `; a digest needs at least ${FEWEST_DIGITS} digits`;
  } else if (digests && !digests.length && !(isHex && lines.length)) {
    status.textContent = `The ledger has no such digest. ${status.textContent}`;
  }
  document.title = `Search: ${query || STATES[now.state] || now.environment} – ${pageTitle}`;
  results.hidden = false;
  content.hidden = true;
  remember(now, true);
}

function clearSearch() {
  field.value = "";
  if (filters) {
    filters.state.value = filters.environment.value = "";
  }
  close();
  field.focus();
}

function move(step) {
  const links = [...list.querySelectorAll("a")];
  const at = links.indexOf(document.activeElement) + step;
  (at < 0 ? field : links[Math.min(at, links.length - 1)])?.focus();
}

function onKey(event) {
  const isTyping = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName) || event.target.isContentEditable;
  if (event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    field.focus();
    field.select();
  } else if (event.key === "Enter" && event.target === field) {
    search().then(() => results.hidden || list.querySelector("a")?.click()); // not what was found before the last key
  } else if (results.hidden) {
    return;
  } else if (event.key === "Escape") {
    clearSearch();
  } else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && (event.target === field || list.contains(event.target))) {
    event.preventDefault();
    move(event.key === "ArrowDown" ? 1 : -1);
  }
}

// What is counted in a page leads to the search that lists it.
function linkSearch(counted) {
  const link = element("a", { className: "told", href: `#${counted.dataset.search}` });
  counted.replaceWith(link);
  link.append(counted);
}

// A tag may stand on a further page of its image, which a link to the image cannot know.
async function findTag() {
  const tag = location.hash.slice(1);
  const image = main.dataset.image;
  if (!image || !/^\w[\w.-]*$/.test(tag) || byId(tag)) {
    return;
  }
  const data = await imagesData();
  const entry = data?.entries.find((each) => each.image === image);
  const number = entry ? entry.tags.split(" ").findIndex((text) => flagged(text).name === tag) : -1;
  if (number >= data?.tagsPerPage) {
    location.replace(`${root}${tagPath(entry, number, data)}#${tag}`);
  } else if (entry && number < 0 && location.hash.slice(1) === tag) {
    tellMissing(tag);
  }
}

// A link to a tag that was removed, or never was, leads to the image: say so there.
function tellMissing(tag) {
  const history = byId("~history") ? element("a", { href: "#~history" }, "The history") : "The ledger's history";
  const note = element("p", { id: "~missing", className: "note doubtful" }, `The ledger has no tag ${tag} of this image. `, history, " tells whether it had one.");
  byId("~missing")?.remove();
  content.prepend(note);
  note.scrollIntoView({ block: "center" });
  say(note.textContent);
}

// What the address of a page that does not exist may have meant: an image, a tag, or a digest.
async function tellMeant() {
  const path = location.pathname.startsWith(root) ? location.pathname.slice(root.length) : location.pathname.slice(1);
  const name = path.replace(/^(?:v1\/)?(?:images|renovate|environments)\//, "").replace(/(?:~\d+)?\.(?:html|json)$/, "").replace(/\/+$/, "");
  const last = name.slice(name.lastIndexOf("/") + 1);
  const digests = await digestLines(pasted(last));
  const data = digests?.length ? null : await imagesData();
  const tagged = name.replace(/\/(?=[^/]*$)/, ":");
  const hits = data && name ? [name, tagged].flatMap((query) => found(data, { query, state: "", environment: "" })).map((each) => each()) : [];
  const near = data && name && !hits.length ? meant(data, name) : [];
  const lines = digests?.length ? digests : [...hits, ...near].slice(0, MOST_NEAR).map(hitLine);
  if (lines.length) {
    byId("~meant").append(element("ol", { className: "plain results" }, ...lines));
    byId("~meant").hidden = false;
  }
}

function openTarget() {
  byId("~missing")?.remove();
  byId(fragment())?.querySelector("details")?.setAttribute("open", "");
}

function fromAddress() {
  const wanted = asked();
  if (wanted.query || wanted.state || wanted.environment) {
    field.value = wanted.query;
    search(wanted);
  } else {
    if (!results.hidden) {
      hideResults();
    }
    openTarget();
    findTag();
  }
}

document.querySelectorAll("[data-search]").forEach(linkSearch);
clear.addEventListener("click", clearSearch);
field.addEventListener("focus", () => imagesData(), { once: true });
field.addEventListener("input", () => search());
document.addEventListener("keydown", onKey);
addEventListener("hashchange", fromAddress);
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((each) => each.setAttribute("open", "")));
fromAddress();
if ("missing" in main.dataset) {
  tellMeant();
}
if (byId("~digest")) {
  startDigestPage(byId("~digest"));
}
