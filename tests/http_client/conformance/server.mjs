// What node says: argv are the file descriptors to listen on, plain and with TLS, its key, its certificate.
import { readFileSync } from "node:fs";
import http from "node:http";
import http2 from "node:http2";

const [, , plain, secure, key, cert] = process.argv;

const say = (res, status, body = "", headers = {}) => {
  res.writeHead(status, { "content-length": Buffer.byteLength(body), ...headers });
  res.end(body);
};

const many = Object.fromEntries([...Array(90).keys()].map((n) => [`x-number-${n}`, String(n)]));

// past node's own idea of an answer, after which it would not read the next request
const raw = (req, text) => req.socket.end(text);

const drip = (req, text) => {
  req.socket.setNoDelay(true);
  let at = 0;
  const next = () => {
    if (at === text.length) req.socket.end();
    else req.socket.write(text[at++], () => setTimeout(next, 1));
  };
  next();
};

const chunks = async (res, trailers) => {
  res.writeHead(200, trailers ? { trailer: "x-end" } : {});
  for (let number = 0; number < 1000; number++) {
    res.write(`${number},`);
    if (number % 100 === 0) await new Promise((go) => setTimeout(go, 1));
  }
  if (trailers) res.addTrailers({ "x-end": "1" });
  res.end("end");
};

const upload = async (req, res) => {
  let size = 0;
  for await (const piece of req) size += piece.length;
  say(res, 200, String(size));
};

const hints = (res) => {
  res.writeContinue();
  res.writeProcessing();
  res.writeEarlyHints({ link: "</a.css>; rel=preload" });
  res.writeEarlyHints({ link: "</b.css>; rel=preload" });
  say(res, 200, "after hints");
};

const ANSWERS = {
  request: (req, res) =>
    say(
      res,
      200,
      JSON.stringify({
        headers: Object.entries(req.headers),
        peer: req.socket.remotePort,
        version: req.httpVersion,
      }),
    ),
  length: (req, res) => say(res, 200, "hello"),
  empty: (req, res) => say(res, 200),
  nothing: (req, res) => { res.writeHead(204); res.end(); },
  unchanged: (req, res) => { res.writeHead(304, { etag: '"1"', "content-length": 5 }); res.end(); },
  odd: (req, res) => say(res, 299, "odd"),
  overloaded: (req, res) => say(res, 599, "overloaded"),
  elsewhere: (req, res) => say(res, 302, "", { location: "/length" }),
  cookie: (req, res) => say(res, 200, "", { "set-cookie": "a=1; Path=/" }),
  last: (req, res) => say(res, 200, "bye", { connection: "close" }),
  many: (req, res) => say(res, 200, "", many),
  large: (req, res) => say(res, 200, "", { "x-large": "x".repeat(30_000) }),
  "too-large": (req, res) => say(res, 200, "", { "x-large": "x".repeat(100_000) }),
  chunks: (req, res) => chunks(res, false),
  trailers: (req, res) => chunks(res, true),
  upload,
  refused: (req, res) => {
    say(res, 413, "too large", { connection: "close" });
    res.on("finish", () => req.socket.destroySoon());
  },
  hints: (req, res) => hints(res),
  "to-the-end": (req) => raw(req, "HTTP/1.1 200 OK\r\n\r\nto the end"),
  old: (req) => raw(req, "HTTP/1.0 200 OK\r\ncontent-length: 3\r\n\r\nold"),
  drip: (req) => drip(req, "HTTP/1.1 200 OK\r\nX-Slow: yes\r\ncontent-length: 4\r\n\r\nslow"),
  "no-reason": (req) => raw(req, "HTTP/1.1 200\r\ncontent-length: 2\r\n\r\nok"),
  extensions: (req) =>
    raw(req, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2;a=b\r\nok\r\n0\r\n\r\n"),
  garbage: (req) => raw(req, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok\x00garbage\r\n\r\n"),
  another: (req) =>
    raw(
      req,
      "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok" +
        "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil",
    ),
  "cut-short": (req) => raw(req, "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok"),
};

const answer = (req, res) => ANSWERS[req.url.slice(1)](req, res);

const server = http.createServer({ keepAliveTimeout: 2000 }, answer);
server.listen({ fd: Number(plain) });

const options = { key: readFileSync(key), cert: readFileSync(cert), allowHTTP1: true };
http2.createSecureServer(options, answer).listen({ fd: Number(secure) });
