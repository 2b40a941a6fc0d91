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

function answerCard(digest, place) {
  const name = place.path ? element("a", { href: root + place.path }, place.name) : place.name;
  const facts = element("dl", { className: "facts" });
  const code = element("code", { className: "digest" }, digest);
  code.dataset.copy = "digest";
  if (place.source) {
    const source = element("dd", { className: "mono" }, out(place.sourceLink, place.source));
    facts.append(element("div", {}, element("dt", {}, "Source"), source));
  }
  if (place.since) {
    facts.append(pointLine("Since", place.since));
  }
  if (place.until) {
    facts.append(pointLine("Until", place.until));
  }
  if (place.yanked) {
    facts.prepend(element("div", { className: "bad" }, element("dt", {}, "Yanked"), element("dd", {}, place.yanked)));
  }
  const card = element("article", { className: "tag" }, element("p", {}, code), element("h2", {}, `${place.words} `, name), facts);
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
  if (like.length === 0) {
    return note("Not found: the ledger has no such digest, and no commit message tells that it had.");
  }
  const cards = like.flatMap(([each, places]) => placesOf(places).map((place) => answerCard(each, place)));
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
