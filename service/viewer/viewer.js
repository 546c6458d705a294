'use strict';

// Asks the daemon a few times a second for its newest result and its accounts, and draws them. It holds up nothing: the
// daemon keeps one result for whoever looks.

const IMAGE_PAUSE = 200, STATUS_PAUSE = 500, HISTORY = 360;

const element = (id) => document.getElementById(id);
const clamp = (x, low, high) => Math.min(high, Math.max(low, x));

// Colours

/** Colour between anchors, position 0..1. */
function ramp(anchors) {
  return (position) => {
    const at = clamp(position, 0, 1) * (anchors.length - 1), i = Math.min(Math.floor(at), anchors.length - 2), t = at - i;
    return anchors[i].map((c, k) => c + (anchors[i + 1][k] - c) * t);
  };
}
const heat = ramp([[4, 5, 12], [28, 18, 82], [92, 22, 128], [170, 42, 114], [232, 88, 72], [252, 160, 48], [252, 250, 190]]);
const cold = ramp([[5, 7, 10], [14, 40, 74], [22, 92, 134], [58, 160, 178], [150, 214, 206], [244, 252, 246]]);

/** A hue around the circle at even lightness, from OKLCH; phase in radians. */
function cyclic(phase) {
  const L = 0.74, C = 0.125, a = C * Math.cos(phase), b = C * Math.sin(phase);
  const l = (L + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (L - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (L - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const linear = [4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
                  -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
                  -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s];
  return linear.map((c) => 255 * (c <= 0.0031308 ? 12.92 * clamp(c, 0, 1) : 1.055 * clamp(c, 0, 1) ** (1 / 2.4) - 0.055));
}
const NOT_MEASURED = [38, 52, 70], OUTSIDE = [9, 12, 17];

const css = (colour) => `rgb(${colour.map(Math.round).join(' ')})`;
const gradient = (map) => 'linear-gradient(90deg,' + Array.from({length: 25}, (_, i) => css(map(i / 24))).join(',') + ')';

// Images

function bytes(text) {
  return Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
}
const floats = (text) => new Float32Array(bytes(text).buffer);

/** Draws size x size colours, scaled up without smoothing. */
function paint(figure, size, colour_of, low, high, map) {
  const canvas = figure.querySelector('canvas');
  canvas.width = canvas.height = size;
  const context = canvas.getContext('2d'), image = context.createImageData(size, size);
  for (let i = 0; i < size * size; ++i) {
    image.data.set(colour_of(i), 4 * i);
    image.data[4 * i + 3] = 255;
  }
  context.putImageData(image, 0, 0);
  const scale = figure.querySelector('.scale');
  if (!scale.children.length) scale.innerHTML = '<span></span><i></i><span></span>';
  scale.children[0].textContent = low;
  scale.children[1].style.background = gradient(map);
  scale.children[2].textContent = high;
}

function paint_pattern(figure, pattern) {
  const intensity = floats(pattern.intensity);
  const most = intensity.reduce((a, b) => (b > a ? b : a), 0), top = Math.log1p(most) || 1;
  paint(figure, pattern.size, (i) => (Number.isNaN(intensity[i]) ? NOT_MEASURED : heat(Math.log1p(intensity[i]) / top)), '0',
        short(most), heat);
}

function paint_object(amplitude_figure, phase_figure, image) {
  const amplitude = floats(image.amplitude), phase = floats(image.phase), support = bytes(image.support);
  paint(amplitude_figure, image.size, (i) => cold(amplitude[i]), '0', '1', cold);
  paint(phase_figure, image.size, (i) => (support[i] ? cyclic(phase[i]) : OUTSIDE), '−π', 'π', (t) => cyclic((2 * t - 1) * Math.PI));
}

/** `identity`: what tells the frame from the others on the page. */
function paint_row(row, identity, pattern, image) {
  row.hidden = false;
  const figures = row.querySelectorAll('figure');
  paint_pattern(figures[0], pattern);
  paint_object(figures[1], figures[2], image);
  const parts = [identity, `residual ${short(image.residual)} (noise ${short(image.noise_residual)})`];
  if (image.agreement !== undefined) parts.push(`agreement ${short(image.agreement)}`);
  if (image.explained !== undefined) parts.push(image.outcome ? image.outcome.replace('_', ' ') : 'not yet explained');
  parts.push(`${short(image.latency_milliseconds)} ms`);
  if (image.iterations) {
    const round = image.explained === undefined ? '' : `, round ${image.round}`;
    parts.push(`${image.iterations} iterations, ${image.schedule}${round}`);
  }
  const words = row.querySelector('h2 small');
  words.textContent = parts.join('  ·  ');
  const remarks = Object.values(image.remarks);
  if (!image.in_domain) remarks.unshift('outside the domain of the model');
  if (remarks.length) {
    const out = document.createElement('span');
    out.className = 'out';
    out.textContent = `  ·  ${remarks.join('  ·  ')}`;
    words.append(out);
  }
}

// Numbers

function short(x) {
  if (x === null || x === undefined) return '–';
  const size = Math.abs(x);
  if (size === 0) return '0';
  if (size >= 1e6 || size < 1e-3) return x.toExponential(1);
  return size >= 100 ? Math.round(x).toLocaleString('en') : x.toPrecision(3).replace(/\.?0+$/, '');
}
const total = (counts) => Object.values(counts).reduce((sum, n) => sum + (typeof n === 'object' ? total(n) : n), 0);

function text_row(label, count, kind) {
  const row = document.createElement('tr'), name = row.insertCell(), value = row.insertCell();
  if (kind) {
    const box = document.createElement('i');
    box.className = kind;
    name.append(box);
  } else {
    row.className = 'detail';
  }
  name.append(label);
  value.textContent = count.toLocaleString('en');
  return row;
}

function show_accounts(status) {
  const rejected = total(status.rejected), dropped = total(status.dropped);
  const rows = [text_row('received', status.received, 'received'), text_row('published', status.published, 'published'),
                text_row('rejected', rejected, 'rejected')];
  for (const [reason, count] of Object.entries(status.rejected)) if (count) rows.push(text_row(reason, count));
  rows.push(text_row('dropped', dropped, 'dropped'));
  for (const [stage, reasons] of Object.entries(status.dropped))
    for (const [reason, count] of Object.entries(reasons)) if (count) rows.push(text_row(`${stage}: ${reason}`, count));
  rows.push(text_row('in flight', status.in_flight, 'in-flight'));
  const not_refined = total(status.refine_dropped);
  if (status.refined || not_refined) {
    rows.push(text_row('refined as well', status.refined, 'received'));
    for (const [reason, count] of Object.entries(status.refine_dropped)) if (count) rows.push(text_row(`not refined: ${reason}`, count));
  }
  element('accounts').replaceChildren(...rows);
  element('accounted').textContent = status.accounted ? 'accounted for ✓' : `${status.in_flight} in flight`;
  const whole = Math.max(1, status.received), parts = [status.published, rejected, dropped, status.in_flight];
  [...element('bar').children].forEach((part, i) => { part.style.width = `${(100 * parts[i]) / whole}%`; });
}

const STATE_CLASS = {ready: 'good', running: 'good', starting: 'warn', draining: 'warn'};

function show_state(state, why) {
  element('state').textContent = state;
  element('state').title = why || '';
  element('state').className = `pill ${STATE_CLASS[state] || 'bad'}`;
}

function show_status(status) {
  show_state(status.state, status.failure);
  element('peers').textContent = status.peers > 0 ? '' : 'no sender is connected';
  element('rate').textContent = short(status.frames_per_second);
  element('rate-in').textContent = short(status.received_per_second);
  element('refined-rate').textContent = short(status.refined_per_second);
  element('p50').textContent = short(status.latency_milliseconds.p50);
  element('p99').textContent = short(status.latency_milliseconds.p99);
  element('residual').textContent = short(status.residual.p50);
  element('model').textContent = `model ${status.model.name} ${status.model.hash.slice(0, 12)} ${status.model.precision} · ` +
      `up ${duration(status.uptime_seconds)} · ${status.version}`;
  show_accounts(status);
  remember(status);
}

function duration(seconds) {
  const s = Math.floor(seconds), two = (n) => String(n).padStart(2, '0');
  return `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
}

// Charts

const history = [];

function remember(status) {
  history.push({out: status.frames_per_second, in: status.received_per_second, p50: status.latency_milliseconds.p50,
                p99: status.latency_milliseconds.p99, residual: status.residual.p50});
  if (history.length > HISTORY) history.shift();
  chart(element('chart-rate'), [['in', '--b'], ['out', '--a']]);
  chart(element('chart-latency'), [['p99', '--b'], ['p50', '--a']]);
  chart(element('chart-residual'), [['residual', '--a']]);
}

function chart(canvas, lines) {
  const ratio = window.devicePixelRatio || 1, width = canvas.clientWidth, height = canvas.clientHeight;
  canvas.width = width * ratio;
  canvas.height = height * ratio;
  const context = canvas.getContext('2d');
  context.scale(ratio, ratio);
  const most = Math.max(1e-9, ...history.flatMap((point) => lines.map(([key]) => point[key] || 0)));
  const style = getComputedStyle(document.documentElement);
  context.strokeStyle = style.getPropertyValue('--line');
  context.strokeRect(0.5, 0.5, width - 1, height - 1);
  for (const [key, colour] of lines) {
    context.strokeStyle = style.getPropertyValue(colour);
    context.lineWidth = 1.5;
    context.beginPath();
    history.forEach((point, i) => {
      const x = width - 1 - (history.length - 1 - i) * (width / (HISTORY - 1));
      context.lineTo(x, height - 3 - (height - 18) * ((point[key] || 0) / most));
    });
    context.stroke();
  }
  context.fillStyle = style.getPropertyValue('--dim');
  context.font = '11px sans-serif';
  context.fillText(short(most), 5, 12);
}

// The loop

let number = 0;

async function look_at_latest() {
  const answer = await fetch(`api/v1/latest?after=${number}`);
  if (answer.status !== 200) return;
  const latest = await answer.json();
  number = latest.number;
  const p = latest.pattern;
  const words = [['source', p.source], ['run', p.run], ['train', p.train], ['pulse', p.pulse], ['sequence', p.sequence],
                 ['lit pixels', p.hit_score]];
  element('identity').replaceChildren(...words.flatMap(([name, value]) => {
    const strong = document.createElement('b');
    strong.textContent = `${value}`;
    return [`${name} `, strong, '  '];
  }));
  paint_row(element('inferred'), `sequence ${p.sequence}`, p, latest.inferred);
  if (!latest.refined) return;
  const r = latest.refined.pattern, same_run = r.run === p.run && r.source === p.source;
  paint_row(element('refined'), `${same_run ? '' : `${r.source} run ${r.run} `}sequence ${r.sequence}`, r, latest.refined.image);
}

async function look_at_status() {
  try {
    show_status(await (await fetch('api/v1/status')).json());
  } catch {
    show_state('no answer', 'the daemon does not answer');
    number = 0;
  }
}

/** Runs `look`, waits, and so on: never two at once, and not while nobody sees the page. */
async function keep(look, pause) {
  if (!document.hidden) await look().catch(() => {});
  setTimeout(() => keep(look, pause), pause);
}

keep(look_at_latest, IMAGE_PAUSE);
keep(look_at_status, STATUS_PAUSE);
