// The page and its elements. Text goes into a page by textContent alone, so nothing that others wrote is ever markup.
const root = document.documentElement.dataset.root;
const byId = (id) => document.getElementById(id);

function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key in made) {
      made[key] = value;
    } else {
      made.setAttribute(key, value);
    }
  }
  made.append(...children.filter((child) => child !== null && child !== ""));
  return made;
}

// A link to a page elsewhere, if its address is one of the web; its text otherwise.
function out(address, text) {
  if (!/^https?:\/\//.test(address)) {
    return text;
  }
  return element("a", { href: address, rel: "noopener noreferrer" }, text);
}

// What follows the `#` of the address; as it is, if it has been cut in the middle of a character.
function fragment() {
  try {
    return decodeURIComponent(location.hash.slice(1));
  } catch {
    return location.hash.slice(1);
  }
}

// Tell users of screen readers what has happened.
function say(text) {
  byId("~said").textContent = text;
}

// Put an address into the browser's bar once it stays for a moment: browsers refuse one that changes with every key.
let nextAddress = null;
let pause = 0;

function setAddress(address) {
  nextAddress = address;
  clearTimeout(pause);
  pause = setTimeout(writeAddress, 250);
}

function writeAddress() {
  if (nextAddress !== null) {
    history.replaceState(null, "", nextAddress);
    nextAddress = null;
  }
}

addEventListener("click", writeAddress, true); // before a link leads away from it
addEventListener("popstate", () => { nextAddress = null; });
