// yaml.js - reads the part of YAML that api/openapi.yaml is written in: block and flow mappings and lists,
// plain and quoted scalars, literal blocks. What is beyond that is an error with its line, not a guess.
const KEY = /^('(?:[^']|'')*'|"[^"]*"|[^'"{[].*?):(?:\s+(.*))?$/;

function plain(text) {
  if (text === "" || text === "null" || text === "~") return null;
  if (text === "true" || text === "false") return text === "true";
  return /^-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?$/.test(text) ? Number(text) : text;
}
const quoted = (text) => (text[0] === '"' ? JSON.parse(text) : text.slice(1, -1).replaceAll("''", "'"));

/** {a: [b, 'c']}: the value, or undefined when the text ends too early. */
function flow(text) {
  let at = 0;
  const early = Symbol("early");
  const space = () => { while (text[at] === " ") at++; };
  const scalar = (end) => {
    const match = /^('(?:[^']|'')*'|"(?:[^"\\]|\\.)*")/.exec(text.slice(at));
    if (match) {
      at += match[0].length;
      return quoted(match[0]);
    }
    const length = text.slice(at).search(end);
    if (length < 0) throw early;
    at += length;
    return text.slice(at - length, at).trim();
  };
  const items = (close, item) => {
    for (at++, space(); text[at] !== close; space()) {
      if (at >= text.length) throw early;
      item();
      space();
      if (text[at] === ",") at++;
      else if (text[at] !== close) throw at >= text.length ? early : new Error(`'${text}': expected , or ${close}`);
    }
    at++;
  };
  const value = () => {
    if (text[at] === "{") {
      const map = {};
      items("}", () => {
        const key = scalar(/:(\s|$)/);
        at++;
        space();
        map[key] = value();
      });
      return map;
    }
    if (text[at] === "[") {
      const list = [];
      items("]", () => list.push(value()));
      return list;
    }
    const isQuoted = text[at] === "'" || text[at] === '"', read = scalar(/[,\]}]/);
    return isQuoted ? read : plain(read);
  };
  try {
    return value();
  } catch (error) {
    if (error === early) return undefined;
    throw error;
  }
}

export function parseYaml(text) {
  const lines = text.split("\n");
  let at = 0;
  const indent = () => lines[at].search(/\S/);
  const more = () => {
    while (at < lines.length && /^\s*(#.*)?$/.test(lines[at])) at++;
    return at < lines.length;
  };
  const isItem = (column) => lines[at].startsWith("- ", column);

  function literal(column) {
    const taken = [];
    while (at < lines.length && (/^\s*$/.test(lines[at]) || indent() > column)) taken.push(lines[at++]);
    const edge = Math.min(...taken.filter((l) => l.trim()).map((l) => l.search(/\S/)));
    return `${taken.map((l) => l.slice(edge)).join("\n").trimEnd()}\n`;
  }
  function scalar(rest, column) {
    if (rest === "|") return literal(column);
    if (rest[0] === "{" || rest[0] === "[") {
      let read;
      while ((read = flow(rest)) === undefined) {
        if (at >= lines.length) throw new Error(`line ${at}: '${rest}' does not end`);
        rest += ` ${lines[at++].trim()}`;
      }
      return read;
    }
    if (rest[0] === "'" || rest[0] === '"') return quoted(rest);
    while (more() && indent() > column) rest += ` ${lines[at++].trim()}`;
    return plain(rest);
  }
  function list(column) {
    const out = [];
    while (more() && indent() === column && isItem(column)) {
      const rest = lines[at].slice(column + 2);
      if (KEY.test(rest)) {
        lines[at] = " ".repeat(column + 2) + rest;
        out.push(map(column + 2));
      } else {
        at++;
        out.push(scalar(rest, column));
      }
    }
    return out;
  }
  function map(column) {
    const out = {};
    while (more() && indent() === column && !isItem(column)) {
      const match = KEY.exec(lines[at].trim());
      if (!match) throw new Error(`line ${at + 1}: '${lines[at]}' is no KEY: VALUE`);
      const key = /^['"]/.test(match[1]) ? quoted(match[1]) : match[1], rest = match[2] ?? "";
      at++;
      if (rest) out[key] = scalar(rest, column);
      else out[key] = more() && (indent() > column || (indent() === column && isItem(column))) ? node() : null;
    }
    return out;
  }
  const node = () => (isItem(indent()) ? list(indent()) : map(indent()));
  const value = more() ? node() : null;
  if (more()) throw new Error(`line ${at + 1}: '${lines[at]}' stands at no known indent`);
  return value;
}
