"use strict";
// Sliders ask the server on this machine, first for medians, then for draws. The part of the address after # holds
// what was chosen, so that it can be passed on; it never leaves the browser.
const STEPS = 1000, WAIT = 200;
const status = document.getElementById("status");
const panels = [];
let names = [];

function say(text, error = false) {
  status.textContent = text;
  status.classList.toggle("error", error);
}

async function ask(path, question, signal) {
  const file = question instanceof Blob;
  const response = await fetch(path, {
    method: "POST", signal, body: file ? question : JSON.stringify(question),
    headers: {"x-costmodel": "1", "content-type": file ? "application/octet-stream" : "application/json"},
  });
  if (!response.ok) {
    const refused = await response.json().catch(() => ({error: `the server answered ${response.status}`}));
    throw new Error(refused.error);
  }
  return response;
}

function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

// a figure or a table is markup that the server made, every text in it escaped
function markup(html) {
  const holder = document.createElement("template");
  holder.innerHTML = html;
  return holder.content;
}

const digits = (value) => String(Number(value.toPrecision(4)));

class Panel {
  constructor(letter, name, changes) {
    this.letter = letter;
    this.root = document.getElementById("panel").content.cloneNode(true).firstElementChild;
    this.find = (selector) => this.root.querySelector(selector);
    this.find("h2").textContent = `Scenario ${letter}`;
    this.find("h2").id = `title-${letter}`;
    this.root.setAttribute("aria-labelledby", `title-${letter}`);
    this.find(".scroll").setAttribute("aria-label", `Figures of scenario ${letter}`);
    this.find(".levers").setAttribute("aria-label", `Inputs of scenario ${letter}`);
    this.list = element("datalist", {id: `every-${letter}`});
    this.root.append(this.list);
    this.find(".find").setAttribute("list", this.list.id);
    this.select = this.find("select");
    this.select.append(...names.map((one) => element("option", {value: one, textContent: one})));
    this.select.addEventListener("change", () => this.open(this.select.value, {}));
    this.find(".add").addEventListener("click", () => this.add(this.find(".find").value));
    this.find(".reset").addEventListener("click", () => this.open(this.name, {}));
    this.find(".levers").addEventListener("submit", (event) => event.preventDefault());
    for (const button of this.root.querySelectorAll(".downloads button"))
      button.addEventListener("click", () => this.download(button.value));
    this.open(name, changes);
  }

  async open(name, changes) {
    this.name = this.select.value = name;
    this.changes = {...changes};
    remember();
    try {
      const found = await (await ask("/api/levers", {scenario: name})).json();
      if (this.name !== name) return;
      this.every = new Map(found.every.map((lever) => [lever.path, lever]));
      this.find(".levers").replaceChildren();
      this.list.replaceChildren(...found.every.map((lever) => element("option", {value: lever.path, label: lever.label})));
      const shown = new Set([...found.levers.map((lever) => lever.path), ...Object.keys(this.changes)]);
      for (const path of shown) this.add(path, true);
      this.run();
    } catch (error) { this.fail(error); }
  }

  add(path, quiet = false) {
    const lever = this.every.get(path);
    if (!lever) {
      if (!quiet) say(`There is no input ${path}`, true);
      return;
    }
    const id = `${this.letter}-${path}`;
    if (document.getElementById(id)) return document.getElementById(id).focus();
    const log = lever.log, ends = log ? [Math.log(lever.low), Math.log(lever.high)] : [lever.low, lever.high];
    const place = (value) => Math.round(STEPS * ((log ? Math.log(Math.max(value, 1e-300)) : value) - ends[0]) / (ends[1] - ends[0]));
    const value = (step) => { const at = ends[0] + step / STEPS * (ends[1] - ends[0]); return log ? Math.exp(at) : at; };
    const start = this.changes[path] ?? lever.value;
    const slider = element("input", {type: "range", id, min: 0, max: STEPS, step: 1, value: place(start)});
    const number = element("input", {type: "number", step: "any", value: digits(start * lever.scale)});
    const spoken = () => slider.setAttribute("aria-valuetext", `${number.value} ${lever.unit}`.trim());
    number.setAttribute("aria-label", `${lever.label}, in ${lever.unit || "figures"}`);
    slider.setAttribute("aria-describedby", `${id}-path`);
    const box = element("div", {className: "lever"},
      element("label", {htmlFor: id, textContent: lever.label}),
      element("div", {className: "row"}, slider, number, element("span", {className: "unit", textContent: lever.unit})),
      element("div", {className: "path", id: `${id}-path`, textContent: `${path} · ${lever.grade}`}));
    const change = (to) => {
      this.changes[path] = to;
      box.classList.add("changed");
      spoken();
      remember();
      this.soon();
    };
    slider.addEventListener("input", () => { number.value = digits(value(slider.valueAsNumber) * lever.scale); change(number.valueAsNumber / lever.scale); });
    number.addEventListener("change", () => {
      if (Number.isNaN(number.valueAsNumber)) return;
      slider.value = place(number.valueAsNumber / lever.scale);
      change(number.valueAsNumber / lever.scale);
    });
    box.classList.toggle("changed", path in this.changes);
    spoken();
    this.find(".levers").append(box);
  }

  soon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.run(), WAIT);
  }

  async run() {
    this.stop?.abort();
    this.stop = new AbortController();
    const signal = this.stop.signal;
    this.root.classList.add("busy");
    try {
      const wanted = Number(document.getElementById("draws").value) || 0;
      for (const draws of wanted ? [0, wanted] : [0]) {
        const question = {scenario: this.name, changes: this.changes, draws};
        this.show(await (await ask("/api/answer", question, signal)).json());
      }
      this.root.classList.remove("busy");
    } catch (error) {
      if (error.name !== "AbortError") this.fail(error);
    }
  }

  fail(error) {
    this.root.classList.remove("busy");
    say(`Scenario ${this.letter}: ${error.message}`, true);
  }

  show(found) {
    this.find("h2").textContent = `${this.letter}: ${found.title}`;
    this.find(".answer").textContent = found.answer;
    this.find(".headlines").replaceChildren(...found.headlines.map((row) => element("div", {},
      element("dt", {textContent: row.label}), element("dd", {textContent: row.figure}))));
    this.find(".figures").replaceChildren(...found.figures.map((row) =>
      element("figure", {}, markup(row.svg), element("figcaption", {textContent: row.caption}))));
    this.find(".scroll").replaceChildren(markup(found.table));
    this.find(".remarks").replaceChildren(...found.remarks.map((text) => element("li", {textContent: text})));
    say(`Scenario ${this.letter}: ${found.answer}`);
  }

  async download(kind) {
    try {
      say(`Making the ${kind} file`);
      const response = await ask("/api/download", {kind, scenario: this.name, changes: this.changes});
      const address = URL.createObjectURL(await response.blob());
      element("a", {href: address, download: `${this.name}.${kind}`}).click();
      setTimeout(() => URL.revokeObjectURL(address), 10000);
      say(`${this.name}.${kind} is downloaded`);
    } catch (error) { this.fail(error); }
  }
}

function remember() {
  const chosen = new URLSearchParams();
  for (const panel of panels) {
    chosen.append(panel.letter, panel.name);
    for (const [path, value] of Object.entries(panel.changes)) chosen.append(`${panel.letter}.set`, `${path}=${value}`);
  }
  history.replaceState(null, "", `#${chosen}`);
}

function recalled() {
  const chosen = new URLSearchParams(location.hash.slice(1)), found = [];
  for (const letter of ["A", "B"]) {
    const name = chosen.get(letter);
    if (!names.includes(name)) continue;
    const changes = {};
    for (const text of chosen.getAll(`${letter}.set`)) {
      const at = text.lastIndexOf("="), value = Number(text.slice(at + 1));
      if (at > 0 && Number.isFinite(value)) changes[text.slice(0, at)] = value;
    }
    found.push([letter, name, changes]);
  }
  return found;
}

function add(letter, name, changes) {
  const made = new Panel(letter, name, changes);
  panels.push(made);
  document.getElementById("panels").append(made.root);
  remember();
}

document.getElementById("compare").addEventListener("click", (event) => {
  const two = panels.length < 2;
  if (two) add("B", panels[0].name, panels[0].changes);
  else panels.pop().root.remove();
  event.currentTarget.setAttribute("aria-pressed", String(two));
  remember();
});

document.getElementById("link").addEventListener("click", async () => {
  try {
    await navigator.clipboard.writeText(location.href);
    say("The link is copied; it opens where this explorer runs.");
  } catch { say(`The link is the address of this page: ${location.href}`); }
});

document.getElementById("draws").addEventListener("change", () => panels.forEach((panel) => panel.run()));

document.getElementById("bill").addEventListener("change", async (event) => {
  const file = event.target.files[0], place = document.getElementById("bill-answer");
  if (!file) return;
  say("Reading the bill");
  try {
    const found = await (await ask("/api/audit", file)).json();
    const list = (texts) => element("ul", {}, ...texts.map((text) => element("li", {textContent: text})));
    const scroll = element("div", {className: "scroll", tabIndex: 0}, markup(found.table));
    scroll.setAttribute("role", "region");
    scroll.setAttribute("aria-label", "Lines of the bill");
    place.replaceChildren(element("p", {className: "answer", textContent: found.answer}), list(found.findings), scroll,
      list(found.unread.map((text) => `not read: ${text}`)), list(found.not_judged.map((text) => `not judged: ${text}`)));
    say(`The bill is audited: ${found.findings.length} findings`);
  } catch (error) {
    place.replaceChildren();
    say(`The bill: ${error.message}`, true);
  }
});

(async () => {
  const response = await fetch("/api/scenarios");
  const found = await response.json();
  names = found.names;
  const chosen = recalled();
  if (!chosen.length) chosen.push(["A", found.first, {}]);
  for (const one of chosen) add(...one);
  document.getElementById("compare").setAttribute("aria-pressed", String(panels.length > 1));
})();
