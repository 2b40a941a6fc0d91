// Times: in the zone of the reader, with UTC beside it, and how long ago they were.
const dateAndTime = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const utcTime = new Intl.DateTimeFormat(undefined, { timeStyle: "short", timeZone: "UTC", hourCycle: "h23" });
const utcDay = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeZone: "UTC" });
const localDay = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
const localClock = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });
const ago = new Intl.RelativeTimeFormat("en", { numeric: "always" });
const UNITS = [["year", 31557600], ["month", 2629800], ["week", 604800], ["day", 86400], ["hour", 3600], ["minute", 60]];

function age(moment) {
  const seconds = (moment - Date.now()) / 1000;
  for (const [unit, length] of UNITS) {
    if (Math.abs(seconds) >= 2 * length) { // so `26 hours` and `13 days`: a single day or week would say too little
      return ago.format(Math.trunc(seconds / length), unit);
    }
  }
  return seconds > 0 ? "in a minute" : "just now";
}

function localAndUtc(moment) {
  if (moment.getTimezoneOffset() === 0) {
    return `${dateAndTime.format(moment)} UTC`;
  }
  const day = utcDay.format(moment);
  const isOtherDay = day !== localDay.format(moment);
  return `${dateAndTime.format(moment)} (${isOtherDay ? `${day}, ` : ""}${utcTime.format(moment)} UTC)`;
}

function showTime(time) {
  const moment = new Date(time.dateTime);
  if (Number.isNaN(moment.getTime())) {
    return;
  }
  const whole = localAndUtc(moment);
  const show = time.dataset.show;
  const shown = { age: () => age(moment), both: () => `${age(moment)}, ${whole}`, clock: () => localClock.format(moment) };
  time.textContent = shown[show]?.() ?? whole;
  time.title = show === "age" || show === "clock" ? whole : time.dateTime;
}

function dayOf(moment) {
  const day = localDay.format(moment);
  const isDay = (daysAgo) => {
    const other = new Date();
    other.setDate(other.getDate() - daysAgo);
    return day === localDay.format(other);
  };
  return isDay(0) ? "Today" : isDay(1) ? "Yesterday" : day;
}

// What a page has by the days of UTC, by those of the reader.
function regroup(days) {
  const items = [...days.querySelectorAll("ol > li")];
  const groups = [];
  for (const item of items) {
    const day = dayOf(new Date(item.querySelector("time").dateTime));
    const group = groups.find((each) => each.day === day) ?? { day, items: [] };
    if (!group.items.length) {
      groups.push(group);
    }
    group.items.push(item);
  }
  const { className } = days.querySelector("ol");
  days.replaceChildren(...groups.flatMap((group) => [
    element("h3", {}, group.day), element("ol", { className }, ...group.items),
  ]));
}

function time(at, show) {
  const made = element("time", { dateTime: at });
  made.dataset.show = show;
  showTime(made);
  return made;
}

// What expires may have done so since the page was written.
function showEnd(span) {
  if (new Date(span.querySelector("time").dateTime) < new Date()) {
    span.firstChild.textContent = span.firstChild.textContent.replace("xpires", "xpired");
  }
}

// On paper, what is relative soon means nothing.
addEventListener("beforeprint", () => document.querySelectorAll("time").forEach((time) => {
  time.textContent = localAndUtc(new Date(time.dateTime));
}));
addEventListener("afterprint", () => document.querySelectorAll("time").forEach(showTime));

document.querySelectorAll("[data-ends]").forEach(showEnd);
document.querySelectorAll("time").forEach(showTime);
document.querySelectorAll(".days").forEach(regroup);

// A page cannot know that the job which writes it has failed; it can say how old it is.
const OLD = 2 * 86400 * 1000; // milliseconds
const isOld = (at) => Date.now() - new Date(at) > OLD;

function showAge(note) {
  const { site, drift, running } = note.dataset;
  const words = [];
  if (isOld(site)) {
    words.push(`These pages are as of ${age(new Date(site))}. If the ledger has changed since, the job that writes them may have failed.`);
  } else {
    words.push(drift && isOld(drift) ? `The registries were last compared ${age(new Date(drift))}.` : "");
    words.push(running && isOld(running) ? `What runs was last looked at ${age(new Date(running))}.` : "");
  }
  note.textContent = words.filter(Boolean).join(" ");
  note.hidden = !note.textContent;
}

if (byId("~old")) {
  showAge(byId("~old"));
}
