// The feed: a stream of events where that works, else /stats every few seconds; the token, which is
// kept in memory only; and what the buttons do.

const recents = new Map();
let token = '', entries = [], latest = null, receivedAt = 0, startedAt = '', failures = 0;
let stream = null;

function ask(path, options = {}) {
  const headers = {...options.headers};
  if (token) headers.Authorization = 'Bearer ' + token;
  return fetch(path, {cache: 'no-store', ...options, headers});
}

// MARK: events

function draw() {
  if (!latest) return;
  const now = Date.parse(latest.time);
  verdictView(latest);
  show('services', latest.services.map(service => serviceView(service, now)));
  show('others', othersView(latest, now));
  const names = ['', ...latest.services.map(service => service.name)];
  morphChildren(byID('filter-service'),
    names.map(name => h('option', {value: name, 'data-id': 'n' + name}, name || 'all')));
}
function drawJournal() {
  show('journal', journalView(entries, latest ? Date.parse(latest.time) : Date.now()));
}

function hearFigures(all) {
  const at = Date.parse(all.time);
  // It is another process: numbers start over.
  if (startedAt && all.startedAt !== startedAt) { location.reload(); return; }
  startedAt = all.startedAt;
  for (const service of all.services) {
    const failed = service.failed;
    const recent = recents.get(service.name);
    if (recent && recent.last) {
      const seconds = Math.max(1, Math.round((at - recent.last.at) / 1000));
      const put = (list, count, before) => {
        for (let i = 0; i < Math.min(seconds, 300); i++)
          list.push(Math.max(0, Math.round((count - before) / seconds)));
        list.splice(0, Math.max(0, list.length - 300));
      };
      put(recent.requests, service.requests, recent.last.requests);
      put(recent.errors, failed, recent.last.failed);
    }
    if (recent) recent.last = {at, requests: service.requests, failed};
    note('s' + service.name, at, service.requests);
    for (const [status, count] of Object.entries(service.grpcStatuses || {}))
      note('g' + service.name + ' ' + status, at, count);
    for (const backend of service.backends) note('b' + backend.id, at, backend.requests);
  }
  latest = all;
  heard();
  draw();
  if (all.journal) { entries = all.journal; drawJournal(); }
}
let drawing = 0;
function hearEntry(entry) {
  if (entries.length && entry.number <= entries[0].number) return;
  entries.unshift(entry);
  entries.length = Math.min(entries.length, 1000);
  // Many come at once at the beginning.
  clearTimeout(drawing);
  drawing = setTimeout(drawJournal, 50);
}
function heard() {
  receivedAt = Date.now();
  byID('stale').hidden = true;
  document.body.classList.remove('stale');
}
function checkStale() {
  if (document.hidden || !latest || Date.now() - receivedAt < 6000) return;
  byID('stale').textContent = 'Fairlead has not answered since '
    + new Date(receivedAt).toLocaleTimeString() + '. What is shown below is from before.';
  byID('stale').hidden = false;
  document.body.classList.add('stale');
  document.title = '(?) Fairlead does not answer';
}

// MARK: requests

function needToken(why) {
  byID('login').hidden = false;
  byID('main').hidden = true;
  if (why) say(why, true);
  byID('token').focus();
}

async function begin() {
  const used = token;
  const answer = await ask('/services', {signal: AbortSignal.timeout(8000)});
  if (answer.status === 401) {
    // The token was typed while the request without it was on its way.
    if (token !== used) return begin();
    needToken(token ? 'That is not the token.' : '');
    token = '';
    return false;
  }
  if (!answer.ok) throw new Error('status ' + answer.status);
  byID('login').hidden = true;
  byID('main').hidden = false;
  for (const service of (await answer.json()).services)
    if (service.recent) recents.set(service.name, service.recent);
  return true;
}

// One stream, from its beginning to its end, in the format of server-sent events.
async function listen() {
  stream = new AbortController();
  const headers = {Accept: 'text/event-stream'};
  const after = entries.length ? '?after=' + entries[0].number : '';
  const answer = await ask('/events' + after, {headers, signal: stream.signal});
  if (!answer.ok) throw new Error('status ' + answer.status);
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '', event = {};
  for (;;) {
    const {done, value} = await reader.read();
    if (done) return;
    const lines = (rest + value).split('\n');
    rest = lines.pop();
    for (const line of lines) {
      const colon = line.indexOf(':');
      if (line === '') {
        if (event.event === 'figures') { failures = 0; hearFigures(JSON.parse(event.data)); }
        if (event.event === 'journal') hearEntry(JSON.parse(event.data));
        event = {};
      } else if (colon > 0) {
        event[line.slice(0, colon)] = line.slice(colon + 1).trimStart();
      }
    }
  }
}

async function poll() {
  const answer = await ask('/stats', {signal: AbortSignal.timeout(8000)});
  if (answer.ok) hearFigures(await answer.json());
}

const pause = time => new Promise(done => setTimeout(done, time));
let isRunning = false;
async function run() {
  if (isRunning) return;
  isRunning = true;
  try {
    while (!document.hidden) {
      try {
        if (!await begin()) return;
        // A proxy in between may not pass streams on: then the page polls, and tries the stream
        // again now and then.
        if (failures < 2 || failures % 10 === 0) await listen(); else await poll();
      } catch (error) {
        if (error.name !== 'AbortError') failures += 1;
      }
      if (failures >= 2) failures += 1;
      await pause(failures ? 1500 : 200);
    }
  } finally {
    isRunning = false;
  }
}

// MARK: buttons

let saying = 0;
function say(text, isBad) {
  const said = byID('said');
  said.textContent = text;
  said.className = isBad ? 'bad' : '';
  said.hidden = false;
  clearTimeout(saying);
  saying = setTimeout(() => { said.hidden = true; }, 8000);
}
// A change that leaves a service without a backend needs a second click.
function askTwice(key, what, why) {
  byID('sure-text').textContent = why;
  const yes = byID('sure-yes');
  yes.textContent = 'Drain ' + key + ' all the same';
  yes.onclick = () => { byID('sure').hidden = true; change(key, what, true); };
  byID('sure').hidden = false;
  byID('sure-no').focus();
}
byID('sure-no').addEventListener('click', () => { byID('sure').hidden = true; });
document.addEventListener('keydown', event => {
  if (event.key === 'Escape') byID('sure').hidden = true;
});
async function change(key, what, isForced) {
  try {
    const path = '/backends/' + encodeURIComponent(key) + '/' + what
      + (isForced ? '?force=yes' : '');
    const answer = await ask(path, {method: 'POST', signal: AbortSignal.timeout(8000)});
    const said = await answer.json();
    if (answer.status === 401) needToken('The token is needed again.');
    else if (said.force) askTwice(key, what, said.error);
    else if (answer.ok) say(key + ': ' + said.done + '.', false);
    else say(said.error + ' Expected: ' + said.expected + '.', true);
  } catch (error) {
    say('Fairlead did not answer: nothing is known of ' + key + '.', true);
  }
}
document.addEventListener('click', event => {
  const button = event.target.closest('button[data-do]');
  if (button) change(button.dataset.key, button.dataset.do);
});
byID('login').addEventListener('submit', event => {
  event.preventDefault();
  token = byID('token').value.trim();
  byID('token').value = '';
  run();
});
byID('filter').addEventListener('submit', event => event.preventDefault());
byID('filter').addEventListener('input', drawJournal);
document.addEventListener('visibilitychange', () => {
  if (document.hidden && stream) stream.abort(); else run();
});
setInterval(checkStale, 1000);
run();
