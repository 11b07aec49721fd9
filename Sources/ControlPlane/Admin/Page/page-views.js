// Views: each makes elements from the last answers of /events and /services.

function verdictView(all) {
  const mark = {good: '✓', warning: '!', failing: '✕'}[all.level];
  const facts = ['Up ' + age(all.startedAt, Date.parse(all.time)), 'version ' + all.version,
    plural(all.workers, 'worker')];
  if (all.process) {
    facts.push((all.process.residentBytes / 1048576).toFixed(1) + ' MiB resident');
    facts.push(plural(all.process.openDescriptors, 'descriptor') + ' of '
      + grouped(all.process.descriptorsMax));
  }
  facts.push('as of ' + clock(all.time) + ' UTC');
  const header = h('header', {id: 'verdict', class: all.level}, h('h1', {}, 'Fairlead'),
    h('p', {class: 'verdict', role: 'status', 'aria-live': 'polite'},
      h('span', {class: 'mark', 'aria-hidden': 'true'}, mark), all.sentence),
    all.problems.length ? h('ul', {class: 'problems', 'aria-label': 'What is wrong'},
      all.problems.map(p => h('li', {class: p.level}, p.text))) : null,
    h('p', {class: 'facts'}, facts.map(fact => h('span', {}, fact))));
  document.title = (all.level === 'good' ? '' : '(!) ') + 'Fairlead: ' + all.sentence;
  morph(byID('verdict'), header);
}

// Charts: one point a second, the newest at the right.
function chart(values, title, kind, unit) {
  const most = Math.max(1, ...values), last = values[values.length - 1] || 0;
  const x = index => (300 - values.length + index) * 2;
  const y = value => (54 - value / most * 50).toFixed(1);
  let line = values.map((value, i) => (i ? 'L' : 'M') + x(i) + ' ' + y(value)).join('');
  if (kind === 'requests' && values.length)
    line += `L${x(values.length - 1)} 55L${x(0)} 55Z`;
  const total = values.reduce((sum, value) => sum + value, 0);
  const said = kind === 'errors'
    ? `${title}: ${grouped(total)} in the last ${Math.ceil(values.length / 60)} min`
    : `${title}: ${grouped(last)} ${unit} now, ${grouped(Math.max(0, ...values))} at most`;
  return h('figure', {class: kind}, h('figcaption', {}, said),
    h('svg', {class: 'chart', viewBox: '0 0 600 56', preserveAspectRatio: 'none',
      role: 'img', 'aria-label': said}, h('path', {d: line || 'M0 54'})));
}

function strip(checks) {
  if (!checks) return null;
  const failed = [...checks].filter(check => check === '-').length;
  const said = `${checks.length} checks, ${failed} failed`;
  return h('svg', {class: 'strip', viewBox: '0 0 240 14', preserveAspectRatio: 'none',
    role: 'img', 'aria-label': said},
    h('rect', {class: 'room', y: 13, width: 240, height: 1}),
    [...checks].map((check, i) => h('rect', {
      class: check === '+' ? 'passed' : 'failed', x: (60 - checks.length + i) * 4,
      y: check === '+' ? 5 : 0, width: 2.6, height: check === '+' ? 8 : 13})));
}

const cell = (label, ...content) =>
  h('td', {role: 'cell', 'data-label': label}, h('div', {}, content));
const rowHead = (...content) => h('th', {role: 'rowheader', scope: 'row'}, content);
const small = (text, bad) => text ? h('small', {class: bad ? 'bad' : null}, text) : null;
function heads(names) {
  return h('thead', {role: 'rowgroup'}, h('tr', {role: 'row'}, names.map(name =>
    h('th', {role: 'columnheader', scope: 'col'}, name))));
}

// What a source says of an instance or a container, in one line each.
function aboutView(data) {
  if (!data) return null;
  const known = ['container', 'id', 'image', 'project', 'node', 'health', 'check', 'restarts', 'started'];
  const rest = Object.keys(data).filter(key => !known.includes(key)).sort();
  return [small([data.container, data.image, data.id].filter(Boolean).join(' · ')),
    small([data.project && 'project ' + data.project, data.node && 'node ' + data.node,
      data.health, data.restarts && plural(Number(data.restarts), 'restart')]
      .filter(Boolean).join(' · '), data.health === 'unhealthy'),
    small(data.check && 'HEALTHCHECK: ' + data.check, true),
    small(rest.map(key => key + ' ' + data[key]).join(' · '))];
}

const columns = ['Backend', 'State', 'Traffic', 'First byte', 'In flight',
  'Failures', 'Checks', 'Change'];
function backendRow(service, backend, now, sum) {
  const own = rate('b' + backend.id);
  const part = sum > 0 && own !== null ? Math.round(own / sum * 100) : 0;
  const time = backend.firstByteMilliseconds;
  const isDrained = backend.drained;
  const failures = backend.failures + backend.connectionFailures + backend.serverErrors;
  return h('tr', {role: 'row', class: backend.state, 'data-id': backend.key},
    rowHead(backend.address, small(backend.hostName), aboutView(backend.metadata),
      small('weight ' + backend.weight),
      small(backend.override && 'operator: ' + backend.override),
      backend.named ? null : small('no longer named', true)),
    cell('State', h('span', {class: 'state'}, backend.state), ' for '
      + age(backend.since, now), small(backend.cause),
      backend.onProbation ? small('on probation') : null,
      backend.sharePercent < 100
        ? small('slow start, ' + backend.sharePercent + ' %') : null,
      backend.withoutTurn ? small('no request for ' + age(backend.withoutTurn.since, now)
        + ': ' + backend.withoutTurn.text) : null),
    cell('Traffic', rateText(own), sum > 0 ? ' · ' + part + ' %' : '',
      h('svg', {class: 'share', viewBox: '0 0 100 6', preserveAspectRatio: 'none',
        role: 'img', 'aria-label': part + ' % of the traffic'},
        h('rect', {class: 'all', width: 100, height: 6, rx: 1}),
        h('rect', {class: 'part', width: part, height: 6, rx: 1})),
      small(grouped(backend.requests) + ' in all')),
    cell('First byte', millis(time.median), small('99 %: ' + millis(time.p99))),
    cell('In flight', grouped(backend.inFlight)),
    cell('Failures', failures ? h('span', {class: 'bad'}, grouped(failures)) : '0',
      small(backend.connectionFailures
        ? grouped(backend.connectionFailures) + ' to connect' : '')),
    cell('Checks', strip(backend.recentChecks), small(backend.check
      ? backend.check.result + ', ' + age(backend.check.at, now) + ' ago'
      : service.checked ? 'none yet' : 'checks are off')),
    cell('Change', h('button', {type: 'button', 'data-do': isDrained ? 'enable' : 'drain',
      'data-key': backend.key,
      'aria-label': (isDrained ? 'Enable ' : 'Drain ') + backend.key},
      isDrained ? 'Enable' : 'Drain')));
}

function tierBody(service, backends, now, sum) {
  const up = backends.filter(backend => backend.inRotation).length, first = backends[0];
  const place = service.sources.length > 1
    ? `Source ${first.place + 1}, priority ${first.priority}` : 'Priority ' + first.priority;
  const use = backends.some(backend => backend.active) ? 'gets the requests'
    : up ? 'stands by' : 'nothing in the rotation';
  return h('tbody', {role: 'rowgroup', 'data-id': first.place + '-' + first.priority},
    h('tr', {role: 'row', class: 'tier', 'data-id': 'tier'},
      h('th', {role: 'rowheader', scope: 'rowgroup', colspan: columns.length},
        place + ': ', h('span', {class: up ? null : 'bad'}, use),
        small(`${up} of ${backends.length} in the rotation`))),
    backends.map(backend => backendRow(service, backend, now, sum)));
}

function backendsView(service, id, now) {
  if (!service.backends.length)
    return h('p', {class: 'empty'}, 'There is no backend on the roster.');
  const tiers = new Map();
  for (const backend of service.backends) {
    const key = backend.place * 65536 + backend.priority;
    if (!tiers.has(key)) tiers.set(key, []);
    tiers.get(key).push(backend);
  }
  const sum = service.backends.reduce(
    (sum, backend) => sum + (rate('b' + backend.id) || 0), 0);
  const rest = service.backendCount - service.backends.length;
  return [h('table', {role: 'table', 'aria-labelledby': id}, heads(columns),
    [...tiers.keys()].sort((a, b) => a - b).map(key =>
      tierBody(service, tiers.get(key).sort((a, b) => a.id - b.id), now, sum))),
    rest > 0 ? h('p', {class: 'empty'}, plural(rest, 'backend') + ' more, all up; '
      + '/services/' + service.name + ' has them.') : null];
}

function sourceView(service, source, place, now) {
  const named = service.backends.filter(b => b.place === place && b.named);
  const parts = [source.summary];
  if (source.lastGoodAt) parts.push(' last answered ',
    h('b', {}, age(source.lastGoodAt, now) + ' ago'),
    ' with ' + plural(source.lastGoodCount, 'instance'));
  else parts.push(' has ', h('b', {}, 'not answered yet'));
  if (source.failing) parts.push('; ', h('b', {class: 'bad'}, 'it fails now'),
    ': ' + source.lastFailure);
  else if (source.lastFailureAt) parts.push('; it last failed '
    + age(source.lastFailureAt, now) + ' ago: ' + source.lastFailure);
  for (const finding of source.findings)
    parts.push('; ', h('b', {class: 'bad'}, finding));
  if (source.nextAskAt) {
    const wait = Math.max(0, (Date.parse(source.nextAskAt) - now) / 1000);
    parts.push('; asked again in ' + wait.toFixed(1) + ' s');
  }
  return h('li', {'data-id': 's' + place}, parts, '.', named.length ? h('details', {},
    h('summary', {}, 'What it named'), named.map(b =>
      h('div', {}, b.address + ', priority ' + b.priority + ', weight ' + b.weight
        + (b.hostName ? ', ' + b.hostName : '')))) : null);
}

// Members of a service that get no requests, as containers that have ended, and why.
function idleView(service) {
  return idleTable(service.sources.flatMap(source => source.idle || []),
    'Without requests: ' + service.name);
}

// Containers that run and that no service wants, and why.
function unservedView(unserved) {
  if (!unserved) return null;
  const id = 'unserved', rest = unserved.count - unserved.containers.length;
  return h('section', {'aria-labelledby': id, 'data-id': id},
    h('h2', {id}, 'Containers of no service'),
    h('details', {}, h('summary', {}, plural(unserved.count, 'container')
      + ' of the engine that no service wants'),
      idleTable(unserved.containers, 'Containers of no service'),
      rest > 0 ? h('p', {class: 'empty'}, 'And ' + grouped(rest) + ' more.') : null));
}

function idleTable(idle, label) {
  if (!idle.length) return null;
  return h('table', {role: 'table', class: 'idle', 'aria-label': label},
    heads(['Without requests', 'Why']),
    h('tbody', {role: 'rowgroup'}, idle.map((member, place) => h('tr', {role: 'row',
      'data-id': 'i' + place}, rowHead(member.name,
      aboutView({...member.metadata, container: null})),
    cell('Why', member.ended ? member.reason : h('b', {class: 'bad'}, member.reason))))));
}

// Calls of gRPC by their status: how many, and how many a second.
function callsView(service) {
  if (!service.grpcStatuses) return null;
  const good = ['OK', 'CANCELLED'], part = ([status, count]) => {
    const now = rate('g' + service.name + ' ' + status);
    return h('span', {class: good.includes(status) ? null : 'bad'}, h('b', {}, grouped(count)),
      ' ' + status, now ? ' (' + rateText(now) + ')' : '');
  };
  return h('p', {class: 'facts', 'data-id': 'calls', 'aria-label': 'Calls of gRPC'},
    Object.entries(service.grpcStatuses).sort((a, b) => b[1] - a[1]).map(part),
    service.grpcLate ? h('span', {class: 'bad'}, h('b', {}, grouped(service.grpcLate)),
      ' at their client’s deadline') : null);
}

function serviceView(service, now) {
  const id = 'service-' + service.name, recent = recents.get(service.name);
  const unit = service.mode === 'http' ? 'requests' : 'connections';
  const time = service.durationMilliseconds;
  const fact = (value, text, bad) =>
    h('span', {class: bad ? 'bad' : null}, h('b', {}, value), text);
  return h('section', {'aria-labelledby': id, 'data-id': service.name},
    h('h2', {id}, service.name, ' ', small(service.mode)),
    h('p', {class: 'facts'},
      fact(service.inRotation + ' of ' + service.backendCount, ' in the rotation'),
      fact(rateText(rate('s' + service.name)), ' ' + unit),
      fact(grouped(service.inFlight), ' in flight'),
      fact(grouped(service.failed), ' failed', service.failed > 0),
      fact(grouped(service.retries), ' sent again'),
      fact(millis(time.median), ' median'), fact(millis(time.p99), ' for 99 %')),
    callsView(service),
    recent ? h('div', {class: 'charts'},
      chart(recent.requests, unit[0].toUpperCase() + unit.slice(1), 'requests', 'a second'),
      chart(recent.errors, 'Errors', 'errors', 'a second')) : null,
    h('ul', {class: 'sources', 'aria-label': 'Where its instances come from'},
      service.sources.map((source, place) => sourceView(service, source, place, now)),
      service.deploy ? h('li', {}, service.deploy) : null,
      service.hold ? h('li', {}, service.hold) : null),
    backendsView(service, id, now), idleView(service));
}

function table(title, names, rows) {
  if (!rows.length) return null;
  const id = title.toLowerCase();
  return h('section', {'aria-labelledby': id, 'data-id': id}, h('h2', {id}, title),
    h('table', {role: 'table', 'aria-labelledby': id}, heads(names),
      h('tbody', {role: 'rowgroup'}, rows)));
}
const tallies = kinds => Object.entries(kinds).filter(([, count]) => count)
  .map(([kind, count]) => kind + ' ' + grouped(count)).join(', ');

// Handshakes of listeners that speak TLS.
function tlsRow(listener) {
  const versions = {};
  for (const [suite, count] of Object.entries(listener.ciphers)) {
    const version = suite.startsWith('TLS_') ? 'TLS 1.3' : 'TLS 1.2';
    versions[version] = (versions[version] || 0) + count;
  }
  const failed = Object.values(listener.tlsFailures).reduce((sum, count) => sum + count, 0);
  return h('tr', {role: 'row', 'data-id': 't' + listener.name}, rowHead(listener.name),
    cell('Full', grouped(listener.handshakes.full)),
    cell('Resumed', grouped(listener.handshakes.resumed)),
    cell('Failed', grouped(failed), small(tallies(listener.tlsFailures))),
    cell('Protocol', tallies(versions)), cell('Cipher', tallies(listener.ciphers)));
}

function certificateRow(one) {
  const more = one.names.length > 4 ? ' and more' : '';
  return h('tr', {role: 'row', 'data-id': one.place + one.fingerprint},
    rowHead(one.names[0] || one.subject, small(one.place)),
    cell('Names', one.names.slice(0, 4).join(', ') + more || one.subject),
    cell('Issuer', one.issuer), cell('Key', one.key),
    cell('Days left', one.ending ? h('b', {class: 'bad'}, grouped(one.daysLeft))
      : grouped(one.daysLeft), small('ends ' + one.ends.slice(0, 10))),
    cell('Listeners', one.listeners.join(', ')));
}

function certificatesView(certificates) {
  if (!certificates) return null;
  const refused = certificates.refused.map(file => h('tr', {role: 'row',
    'data-id': 'r' + file.place + file.reason}, rowHead(h('b', {class: 'bad'}, file.place)),
    h('td', {role: 'cell', 'data-label': 'Refused', colspan: 4}, h('div', {}, file.reason)),
    cell('Listeners', file.listeners.join(', '))));
  const lists = certificates.revocations.map(list => h('tr', {role: 'row',
    'data-id': 'l' + list.place}, rowHead(list.place),
    h('td', {role: 'cell', 'data-label': 'Revoked', colspan: 4}, h('div', {},
      'revoked certificates of clients, up to ', list.ending ? h('b', {class: 'bad'}, list.ends)
        : list.ends)),
    cell('Listeners', list.listeners.join(', '))));
  const rest = certificates.count - certificates.inUse.length;
  return [table('Certificates', ['Certificate', 'Names', 'Issuer', 'Key', 'Days left',
    'Listeners'], refused.concat(certificates.inUse.map(certificateRow), lists)),
    rest > 0 ? h('p', {class: 'empty'}, plural(rest, 'certificate')
      + ' more, which end later; /stats has them.') : null];
}

function othersView(all, now) {
  const secure = all.listeners.filter(listener => [listener.handshakes, listener.tlsFailures]
    .some(kinds => Object.values(kinds).some(count => count)));
  const listeners = all.listeners.map(listener => h('tr', {role: 'row'},
    rowHead(listener.address, small((listener.name === listener.address ? ''
      : listener.name + ', ') + listener.mode)),
    cell('Leads to', listener.services.join(', '),
      small(listener.mirrors && 'copies to ' + listener.mirrors.join(', '))),
    cell('Open', grouped(listener.openConnections)),
    cell('Accepted', grouped(listener.connections)),
    cell('Turned away', grouped(listener.refusedConnections + listener.acceptErrors)),
    cell('Bad requests', grouped(listener.badRequests))));
  const registries = all.registries.map(registry => h('tr', {role: 'row'},
    rowHead(registry.address, small(registry.kind)),
    cell('State', registry.well ? registry.sentence
      : h('b', {class: 'bad'}, registry.sentence)),
    cell('Answers', tallies(registry.answers)),
    cell('Malformed', grouped(registry.malformed), registry.lastMalformedAt
      ? small(age(registry.lastMalformedAt, now) + ' ago: ' + registry.lastMalformed, true)
      : null)));
  return [table('Listeners', ['Address', 'Leads to', 'Open', 'Accepted', 'Turned away',
    'Bad requests'], listeners),
    table('TLS', ['Listener', 'Full', 'Resumed', 'Failed', 'Protocol', 'Cipher'],
      secure.map(tlsRow)), certificatesView(all.certificates),
    table('Registries', ['Address', 'State', 'Answers', 'Malformed'], registries),
    unservedView(all.unserved)];
}

function journalView(entries, now) {
  const service = byID('filter-service').value;
  const text = byID('filter-text').value.trim().toLowerCase();
  const shown = entries.filter(entry => (!service || entry.service === service)
    && (!text || [entry.service, entry.backend, entry.text].join(' ').toLowerCase()
      .includes(text))).slice(0, 200);
  if (!shown.length) return h('p', {class: 'empty'},
    entries.length ? 'No entry is like that.' : 'Nothing has happened yet.');
  const kind = to => to === 'up' ? 'up' : to === 'down' || to === 'ejected' ? 'down'
    : to === 'draining' ? 'draining' : null;
  return h('ol', {class: 'journal'}, shown.map(entry =>
    h('li', {'data-id': 'e' + entry.number, class: kind(entry.to)},
      h('time', {datetime: entry.at, title: entry.at}, clock(entry.at)),
      h('b', {}, [entry.service || 'Fairlead', entry.backend].filter(Boolean).join(' ')),
      entry.text)));
}
