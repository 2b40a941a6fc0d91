// The page that says where a digest comes from.
const DONE_WORDS = { publish: "published", promote: "promoted", yank: "yanked", remove: "removed", prune: "pruned" };

function pointLine(word, [at, by, action, commit, commitLink, run, reason]) {
  const line = element("dd", {}, `${DONE_WORDS[action] ?? action} `, time(at, "both"), ` by ${by}`);
  if (run) {
    line.append(", ", out(run, "run"));
  }
  line.append(", commit ", out(commitLink, commit.slice(0, 12)));
  if (reason) {
    line.append(`: ${reason}`);
  }
  return element("div", {}, element("dt", {}, word), line);
}

const MOST_PLACES = 20;

function placeName(place) {
  return place.path ? element("a", { href: root + place.path }, place.name) : place.name;
}

// One place more of a digest, in a line: what the card says of the first is not said again.
function placeLine(place) {
  const line = element("dd", {}, `${place.words} `, placeName(place));
  if (place.since) {
    line.append(" since ", time(place.since[0], "age"));
  }
  if (place.until) {
    line.append(" until ", time(place.until[0], "age"));
  }
  return line;
}

// A card for a digest: what it is, and below that all else that has or had it.
function answerCard(digest, places, unlisted) {
  const [place, ...others] = places;
  const facts = element("dl", { className: "facts" });
  const code = element("code", { className: "digest" }, digest);
  code.dataset.copy = "digest";
  const yanks = yanksOf(places);
  for (const [words, className, reasons] of [["Yanked", "bad", yanks.own], ["Yanked elsewhere", "", yanks.others]]) {
    if (reasons.length) {
      facts.append(element("div", { className }, element("dt", {}, words), ...reasons.slice(0, MOST_PLACES).map((why) => element("dd", {}, why))));
    }
  }
  const sources = new Map(places.filter((each) => each.source).map((each) => [each.source, each.sourceLink]));
  if (sources.size) {
    const lines = [...sources].slice(0, MOST_PLACES).map(([source, link]) => element("dd", { className: "mono" }, out(link, source)));
    facts.append(element("div", {}, element("dt", {}, "Source"), ...lines));
  }
  if (place.since) {
    facts.append(pointLine("Since", place.since));
  }
  if (place.until) {
    facts.append(pointLine("Until", place.until));
  }
  if (others.length) {
    const left = others.length - MOST_PLACES + unlisted;
    const digits = digest.split(":")[1];
    const all = element("a", { href: `${root}v1/digests/${digits.slice(0, 2)}/${digits}.json` }, `and ${left.toLocaleString("en")} more`);
    const lines = [...others.slice(0, MOST_PLACES).map(placeLine), left > 0 ? element("dd", {}, all) : ""].filter(Boolean);
    facts.append(element("div", {}, element("dt", {}, "Also"), ...lines));
  }
  const card = element("article", { className: "tag" }, element("p", {}, code), element("h2", {}, `${place.words} `, placeName(place)), facts);
  addCopyButton(code);
  return card;
}

async function answers(text) {
  const note = (words) => [element("p", { className: "note" }, words)];
  if (!text.trim()) {
    return [];
  }
  const digest = digestIn(text);
  if (!digest) {
    return note("This is not a digest: one has only hex digits, as in sha256:4f2a… or image@sha256:4f2a…");
  }
  if (digest.digits.length < FEWEST_DIGITS) {
    return note(`Too short: give at least ${FEWEST_DIGITS} digits; these are ${digest.digits.length}.`);
  }
  const like = await digestsLike(digest);
  if (!like) {
    return note("The data could not be loaded, so nothing is known of it. Try again in a moment.");
  }
  if (like.length === 0) {
    return note("Not found: the ledger has no such digest, and no commit message tells that it had.");
  }
  const cards = like.map(([each, listed]) => answerCard(each, placesOf(listed, imageIn(pasted(text))), unlistedOf(listed)));
  return like.length > 1 ? [...note(`Ambiguous: ${like.length} digests begin like this.`), ...cards] : cards;
}

function startDigestPage(field) {
  const answer = byId("~answer");
  let latest = 0;
  async function show() {
    const turn = ++latest;
    const found = await answers(field.value);
    if (turn === latest) {
      answer.replaceChildren(...found);
    }
  }
  function fromAddress() {
    if (fragment() && !/^(?:q=|~)/.test(fragment())) {
      field.value = fragment();
      show();
    }
  }
  field.addEventListener("input", () => {
    setAddress(field.value ? `#${encodeURI(field.value.trim())}` : "#");
    show();
  });
  addEventListener("hashchange", fromAddress);
  fromAddress();
}
