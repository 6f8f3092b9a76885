"""What moves on the report page: the language, and the map with its slider. Plain JavaScript, no library."""

SCRIPT = r"""
"use strict";
(() => {
const id = (name) => document.getElementById(name);
const body = document.body;
const speak = (ukrainian) => {
  body.className = ukrainian ? "ukrainian" : "english";
  document.documentElement.lang = ukrainian ? "uk" : "en";
};
speak((navigator.language || "").toLowerCase().startsWith("uk"));
id("language").addEventListener("click", () => { speak(body.className === "english"); draw(); });

const data = JSON.parse(id("data").textContent);
const canvas = id("canvas"), slider = id("moment"), view = id("view"), clock = id("clock"), play = id("play");
const pen = canvas.getContext("2d");
const unpack = ([first, kind, ...steps]) => {
  const x = [], y = [];
  let a = 0, b = 0;
  for (let k = 0; k < steps.length; k += 2) {
    a += steps[k]; b += steps[k + 1];
    x.push(a * data.unit); y.push(b * data.unit);
  }
  return { first, kind, x, y };
};
const targets = data.targets.map(unpack), tracks = data.tracks.map(unpack);
slider.max = data.steps; slider.step = 0.1;

const at = (thing, moment) => {  // where it is, and the way it goes, between two kept places
  const k = moment - thing.first, low = Math.floor(k), last = thing.x.length - 1;
  if (k < 0 || k > last + (last === 0 ? 1 : 0)) return null;
  const next = Math.min(low + 1, last), part = k - low, from = Math.min(low, last);
  const east = thing.x[next] - thing.x[from], north = thing.y[next] - thing.y[from];
  return [thing.x[from] + part * east, thing.y[from] + part * north, east, north];
};
const frame = () => {
  const chosen = view.value;
  if (chosen !== "") { const s = data.sites[+chosen]; return [s.x, s.y, 40000]; }
  return [data.middle[0], data.middle[1], data.reach];
};
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function draw() {
  const ratio = window.devicePixelRatio || 1, width = canvas.clientWidth, height = canvas.clientHeight;
  if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio);
  if (canvas.height !== Math.round(height * ratio)) canvas.height = Math.round(height * ratio);
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  const [east, north, reach] = frame(), scale = Math.min(width, height) / 2 / reach, moment = +slider.value;
  const px = (x, y) => [width / 2 + (x - east) * scale, height / 2 - (y - north) * scale];
  const ink = {};
  const used = ["fore", "dim", "back", "c1", "c2", "c3", "c4", "c5"];
  for (const name of used) ink[name] = colour("--" + name);
  scaleBar(width, height, scale, ink);
  const second = moment * data.dt;
  for (const s of data.sensors) {
    const [x, y] = px(s[0], s[1]);
    pen.strokeStyle = pen.fillStyle = ink.dim; pen.lineWidth = 1; pen.beginPath();
    if (s[2]) { pen.globalAlpha = 0.5; pen.fillRect(x - 0.75, y - 0.75, 1.5, 1.5); pen.globalAlpha = 1; continue; }
    pen.moveTo(x, y - 4); pen.lineTo(x + 4, y + 3); pen.lineTo(x - 4, y + 3); pen.closePath(); pen.stroke();
  }
  for (const s of data.sites) {
    const [x, y] = px(s.x, s.y), on = s.alarm.some(([a, b]) => a <= second && second < b);
    pen.beginPath(); pen.arc(x, y, Math.max(s.radius * scale, 5), 0, 7);
    if (on) { pen.globalAlpha = 0.35; pen.fillStyle = ink.c2; pen.fill(); pen.globalAlpha = 1; }
    pen.lineWidth = on ? 3 : 1.5; pen.strokeStyle = on ? ink.c2 : ink.fore; pen.stroke();
  }
  pen.lineWidth = 1.5;
  for (const t of targets) {
    const p = at(t, moment);
    if (!p) continue;
    const [x, y] = px(p[0], p[1]), far = Math.hypot(p[2], p[3]) || 1;
    pen.strokeStyle = [ink.c3, ink.c1, ink.c5][t.kind]; pen.beginPath();
    pen.arc(x, y, t.kind === 2 ? 2.5 : 4, 0, 7); pen.stroke();
    if (t.kind === 2) continue;
    pen.beginPath(); pen.moveTo(x + 4 * p[2] / far, y - 4 * p[3] / far);
    pen.lineTo(x + 11 * p[2] / far, y - 11 * p[3] / far); pen.stroke();
  }
  for (const t of tracks) {
    const p = at(t, moment);
    if (!p) continue;
    const [x, y] = px(p[0], p[1]);
    pen.strokeStyle = [ink.c2, ink.c4, ink.c5][t.kind]; pen.lineWidth = 2; pen.beginPath();
    if (t.kind) { pen.moveTo(x - 3, y); pen.lineTo(x + 3, y); pen.moveTo(x, y - 3); pen.lineTo(x, y + 3); }
    else { pen.moveTo(x - 3, y - 3); pen.lineTo(x + 3, y + 3); pen.moveTo(x - 3, y + 3); pen.lineTo(x + 3, y - 3); }
    pen.stroke();
  }
  names(px, scale, ink, width);
  const whole = Math.round(second);
  clock.textContent = Math.floor(whole / 60) + ":" + String(whole % 60).padStart(2, "0");
}
function names(px, scale, ink, width) {  // above its circle, or below where another name stands already
  pen.font = "600 13px system-ui, sans-serif"; pen.textBaseline = "middle"; pen.textAlign = "center";
  pen.fillStyle = ink.fore; pen.strokeStyle = ink.back; pen.lineWidth = 4; pen.lineJoin = "round";
  const taken = [];
  for (const s of data.sites) {
    const [x, y] = px(s.x, s.y), away = Math.max(s.radius * scale, 5) + 11;
    const wide = pen.measureText(s.name).width / 2 + 3;
    const free = (v) => !taken.some(([a, b, w]) => Math.abs(a - x) < w + wide && Math.abs(b - v) < 16);
    const row = [y - away, y + away, y - away - 17, y + away + 17].find(free);
    if (row === undefined || x < 0 || x > width) continue;
    taken.push([x, row, wide]);
    pen.strokeText(s.name, x, row); pen.fillText(s.name, x, row);
  }
}
function scaleBar(width, height, scale, ink) {
  const rough = 110 / scale, power = 10 ** Math.floor(Math.log10(rough));
  const length = [5, 2, 1].map((f) => f * power).find((v) => v <= rough) || power;
  pen.strokeStyle = ink.dim; pen.fillStyle = ink.dim; pen.lineWidth = 2; pen.beginPath();
  pen.moveTo(12, height - 12); pen.lineTo(12 + length * scale, height - 12); pen.stroke();
  pen.font = "12px system-ui, sans-serif"; pen.textAlign = "left"; pen.textBaseline = "alphabetic";
  pen.fillText(length >= 1000 ? length / 1000 + " km" : length + " m", 12, height - 18);
}
let timer = 0, before = 0;
const run = (now) => {
  const next = +slider.value + (before ? now - before : 0) / 30000 * data.steps;  // the whole raid in half a minute
  before = now;
  slider.value = next >= data.steps ? 0 : next;
  draw();
  timer = requestAnimationFrame(run);
};
play.addEventListener("click", () => {
  if (timer) { cancelAnimationFrame(timer); timer = 0; } else { before = 0; timer = requestAnimationFrame(run); }
  play.setAttribute("aria-pressed", String(timer !== 0));
  id("word-play").hidden = timer !== 0; id("word-pause").hidden = timer === 0;
});
slider.addEventListener("keydown", (event) => {  // the browser's own step would be too small to see
  const move = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 10, PageDown: -10 }[event.key];
  if (!move) return;
  event.preventDefault();
  slider.value = +slider.value + move * Math.max(data.steps / 200, 0.1);
  draw();
});
slider.addEventListener("input", draw);
view.addEventListener("change", draw);
window.addEventListener("resize", draw);
window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
slider.value = data.steps * 0.4;
draw();
})();
"""
