// Structs of Thrift's compact protocol, byte by byte.
import test from 'ava';
import { checkThrift } from '../../../../src/files/sequences/parquet/check-thrift.js';

/** Fields: an i32, a text, a list of two i32, a flag, a struct of a double, a list of one empty struct, field 300. */
const whole = Uint8Array.of(
  ...[0x15, 0x8a, 0x01],
  ...[0x18, 2, 0x61, 0x62],
  ...[0x19, 0x25, 2, 4],
  0x11,
  ...[0x1c, 0x17, 0, 0, 0, 0, 0, 0, 0, 0, 0],
  ...[0x19, 0x1c, 0],
  ...[0x03, 0xd8, 0x04, 7],
  0,
);

test('a struct with fields of all kinds is passed, wherever it begins', (t) => {
  t.notThrows(() => {
    checkThrift(whole);
    checkThrift(Uint8Array.of(9, 9, ...whole, 9), 2);
  });
});

test('a struct that is cut anywhere has no end', (t) => {
  for (let end = 0; end < whole.length; end++) {
    t.throws(() => { checkThrift(whole.subarray(0, end)); }, { message: /no end|has \d+ elements/ }, `${end} bytes`); // prettier-ignore
  }
});

test('lists and texts announce no more than there are bytes', (t) => {
  const millions = [0xff, 0xff, 0xff, 0x7f];
  t.throws(() => { checkThrift(Uint8Array.of(0x19, 0xf5, ...millions, 1, 1, 0)); }, { message: 'a list has 268435455 elements' }); // prettier-ignore
  t.throws(() => { checkThrift(Uint8Array.of(0x18, ...millions, 1, 1, 0)); }, { message: /no end/ }); // prettier-ignore
});

test('structs and lists in one another end somewhere, and kinds that Parquet has no use for are refused', (t) => {
  t.throws(() => { checkThrift(new Uint8Array(1000).fill(0x1c)); }, { message: /nested/ }); // prettier-ignore
  t.throws(() => { checkThrift(new Uint8Array(1000).fill(0x19)); }, { message: /nested/ }); // prettier-ignore
  t.throws(() => { checkThrift(Uint8Array.of(0x1b, 0)); }, { message: /type 11/ }); // prettier-ignore
});
