// Buttons that copy: a digest, or a command.
const SVG = "http://www.w3.org/2000/svg";

function icon(path) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  const line = document.createElementNS(SVG, "path");
  line.setAttribute("d", path);
  svg.append(line);
  return svg;
}

const COPY = "M5.5 5.5v-3h8v8h-3M2.5 5.5h8v8h-8z";
const DONE = "M3 8.5l3.5 3.5L13 4.5";

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // There is no clipboard outside of a secure context, as on plain HTTP.
  }
  const field = element("textarea", { value: text, readOnly: true, className: "unseen" });
  const focused = document.activeElement;
  document.body.append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  focused?.focus();
  return done;
}

function addCopyButton(code) {
  const what = code.dataset.copy;
  const words = element("span", { className: "words" }, "Copy command"); // seen where the command itself has no room
  const isBrief = code.classList.contains("brief");
  const faces = (path) => [icon(path), isBrief ? words : ""].filter(Boolean);
  const button = element("button", { type: "button", className: "copy", title: `Copy ${what}` }, ...faces(COPY));
  button.setAttribute("aria-label", `Copy ${what}`);
  button.addEventListener("click", async () => {
    const done = await copy(code.textContent);
    say(done ? `Copied the ${what}` : `The ${what} could not be copied: select it instead`);
    button.classList.toggle("done", done);
    button.replaceChildren(...faces(done ? DONE : COPY));
    setTimeout(() => {
      button.classList.remove("done");
      button.replaceChildren(...faces(COPY));
    }, 2000);
  });
  code.classList.add("copied-from");
  code.after(button);
}

document.querySelectorAll("[data-copy]").forEach(addCopyButton);
