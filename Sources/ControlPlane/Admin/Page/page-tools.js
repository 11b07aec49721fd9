// Tools: makes elements from values, updates elements in place, and writes figures as text.
'use strict';

const byID = id => document.getElementById(id);
const svgTags = new Set(['svg', 'path', 'rect']);

// An element. Texts become text nodes and never markup.
function h(tag, attributes, ...children) {
  const element = svgTags.has(tag)
    ? document.createElementNS('http:' + '//www.w3.org/2000/svg', tag)
    : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {}))
    if (value !== null && value !== undefined && value !== false)
      element.setAttribute(name, value === true ? '' : value);
  element.append(...children.flat(2).filter(child => child !== null && child !== undefined));
  return element;
}

// Makes `old` look like `now` and keeps what is the same, so that a selection, the focus and the
// reading position stay. Rows are matched by data-id: a button under a finger must not become that
// of another backend.
function morph(old, now) {
  if (old.nodeName !== now.nodeName) { old.replaceWith(now); return; }
  if (old.nodeType !== 1) { if (old.data !== now.data) old.data = now.data; return; }
  for (const {name} of [...old.attributes])
    if (!now.hasAttribute(name) && !(name === 'open' && old.nodeName === 'DETAILS'))
      old.removeAttribute(name);
  for (const {name, value} of [...now.attributes])
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  morphChildren(old, [...now.childNodes]);
}
const keyOf = node => node.nodeType === 1 ? node.getAttribute('data-id') : null;
function morphChildren(parent, after) {
  const keyed = new Map();
  for (const node of parent.childNodes) if (keyOf(node)) keyed.set(keyOf(node), node);
  let place = parent.firstChild;
  for (const node of after) {
    const known = keyOf(node) && keyed.get(keyOf(node));
    if (known) {
      if (known === place) place = place.nextSibling; else parent.insertBefore(known, place);
      morph(known, node);
    } else if (place && !keyOf(place) && !keyOf(node)) {
      const next = place.nextSibling;
      morph(place, node);
      place = next;
    } else {
      parent.insertBefore(node, place);
    }
  }
  while (place) { const next = place.nextSibling; place.remove(); place = next; }
}
function show(id, ...nodes) { morphChildren(byID(id), nodes.flat().filter(Boolean)); }

// Figures as people read them.
const grouped = number => Math.round(number).toLocaleString('en-US');
function age(from, now) {
  const s = Math.max(0, Math.floor((now - Date.parse(from)) / 1000));
  if (s < 120) return s + ' s';
  if (s < 7200) return Math.floor(s / 60) + ' min';
  if (s < 172800) return Math.floor(s / 3600) + ' h ' + Math.floor(s / 60) % 60 + ' min';
  return Math.floor(s / 86400) + ' d ' + Math.floor(s / 3600) % 24 + ' h';
}
const rateText = rate => rate === null ? '…'
  : (rate < 10 ? rate.toFixed(1) : grouped(rate)) + '/s';
function millis(value) {
  if (value === undefined || value === null) return '–';
  if (value < 1) return Math.round(value * 1000) + ' µs';
  if (value < 10) return value.toFixed(1) + ' ms';
  return value < 1000 ? Math.round(value) + ' ms' : (value / 1000).toFixed(1) + ' s';
}
const clock = text => text.slice(11, 19);
const plural = (count, word) => grouped(count) + ' ' + word + (count === 1 ? '' : 's');

// How fast counts grow, over the last ten seconds of figures.
const counts = new Map();
function note(key, at, count) {
  let list = counts.get(key);
  if (!list) counts.set(key, list = []);
  const last = list[list.length - 1];
  if (last && count < last.count) list.length = 0;
  if (!last || at > last.at) list.push({at, count});
  while (list.length > 2 && at - list[0].at > 10500) list.shift();
}
function rate(key) {
  const list = counts.get(key);
  if (!list || list.length < 2) return null;
  const first = list[0], last = list[list.length - 1];
  return (last.count - first.count) / (last.at - first.at) * 1000;
}
