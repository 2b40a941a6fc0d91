// Times: in the zone of the reader, with UTC beside it, and how long ago they were.
const dateAndTime = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const utcTime = new Intl.DateTimeFormat(undefined, { timeStyle: "short", timeZone: "UTC", hourCycle: "h23" });
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
  const isElsewhere = moment.getTimezoneOffset() !== 0;
  return dateAndTime.format(moment) + (isElsewhere ? ` (${utcTime.format(moment)} UTC)` : " UTC");
}

function showTime(time) {
  const moment = new Date(time.dateTime);
  if (Number.isNaN(moment.getTime())) {
    return;
  }
  const whole = localAndUtc(moment);
  const show = time.dataset.show;
  time.textContent = show === "age" ? age(moment) : show === "both" ? `${age(moment)}, ${whole}` : whole;
  time.title = show === "age" ? whole : time.dateTime;
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

document.querySelectorAll("[data-ends]").forEach(showEnd);
document.querySelectorAll("time").forEach(showTime);
