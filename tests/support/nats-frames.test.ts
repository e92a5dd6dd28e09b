import { expect, it } from 'vitest';
import { type NatsFrame, NatsFrames } from './nats-frames.js';

const HEADERS = 'NATS/1.0\r\nNats-Msg-Id: 1\r\n\r\n';
const WIRE = [
  'INFO {"server_id":"x"}\r\n',
  'PING\r\n',
  'PUB a.b 5\r\nhello\r\n',
  'PUB a.b reply.to 2\r\n\r\n\r\n',
  `HPUB a.b reply.to ${HEADERS.length} ${HEADERS.length + 3}\r\n${HEADERS}abc\r\n`,
  'MSG a.b 7 0\r\n\r\n',
  `HMSG a.b 7 $JS.ACK.x ${HEADERS.length} ${HEADERS.length}\r\n${HEADERS}\r\n`,
];
const EXPECTED = [
  ['INFO', '', '', '', ''],
  ['PING', '', '', '', ''],
  ['PUB', 'a.b', '', '', 'hello'],
  ['PUB', 'a.b', 'reply.to', '', '\r\n'],
  ['HPUB', 'a.b', 'reply.to', HEADERS, 'abc'],
  ['MSG', 'a.b', '', '', ''],
  ['HMSG', 'a.b', '$JS.ACK.x', HEADERS, ''],
];
const brief = ({ op, subject, reply, headers, payload }: NatsFrame) => [
  op,
  subject,
  reply,
  headers,
  payload.toString(),
];

it.each([1, 2, 7, 1_000])('finds the same messages in chunks of %i bytes, and keeps every byte', (size) => {
  const wire = Buffer.from(WIRE.join(''));
  const frames = new NatsFrames();
  const found: NatsFrame[] = [];
  for (let at = 0; at < wire.length; at += size) found.push(...frames.push(wire.subarray(at, at + size)));
  expect(found.map(brief)).toEqual(EXPECTED);
  expect(Buffer.concat(found.map(({ bytes }) => bytes)).equals(wire)).toBe(true);
});
