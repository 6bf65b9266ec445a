// Reads what objdump prints: functions, their innermost loops that multiply and add on vectors, and what those loops do
// besides. Knows the mnemonics of x86-64 and AArch64; runs nothing.

const functionLine = /^[0-9a-f]+ <(.*)>:$/;
const instructionLine = /^\s*([0-9a-f]+):\s+(\S+)\s*(.*)$/;
/** The three kinds of register tiles: ScoreTile<vectors>::run<rows>, ValueTile<vectors>::run<rows>, Rows::run<rows>. */
const tileName = /((?:ScoreTile|ValueTile)<\d+>|Project<.*>::Rows)::run<(\d+)>/;

/** The register tiles of a disassembly: `kind` without and `rows` with the size, and the loops of each. */
export function findTiles(disassembly) {
  return readFunctions(disassembly).flatMap(({ name, instructions }) => {
    const match = name.includes('[clone .cold') ? null : tileName.exec(name);
    if (match === null) return [];
    const kind = match[1].replace(/<.*>::/, '::');
    const usesFrame = hasFramePointer(instructions);
    const loops = findInnermostLoops(instructions)
      .map((loop) => describeLoop(loop, usesFrame))
      .filter(({ multiplyAdds }) => multiplyAdds > 0);
    return [{ kind, rows: Number(match[2]), loops }];
  });
}

function readFunctions(disassembly) {
  const functions = [];
  for (const line of disassembly.split('\n')) {
    const name = functionLine.exec(line)?.[1];
    if (name !== undefined) functions.push({ name, instructions: [] });
    const match = instructionLine.exec(line);
    if (match === null || functions.length === 0) continue;
    const [, address, mnemonic, rest] = match;
    // Behind the operands, objdump writes names in <> and comments.
    const operands = rest.replace(/\s*(<.*|#.*|\/\/.*)$/, '');
    functions.at(-1).instructions.push({
      address: parseInt(address, 16),
      mnemonic,
      operands,
      text: `${mnemonic} ${operands}`,
    });
  }
  return functions;
}

/** The instructions of each loop that holds no other. */
function findInnermostLoops(instructions) {
  const indices = new Map(instructions.map(({ address }, index) => [address, index]));
  const flow = instructions.map((instruction, index) => {
    const next = /^(jmp|ret|b|ud2)$/.test(instruction.mnemonic) ? undefined : index + 1;
    return [next, indices.get(jumpTarget(instruction))].filter(
      (n) => n !== undefined && n < instructions.length,
    );
  });
  // However a compiler lays a loop out, some jump of it goes back. Not every jump back makes one: a branch that was
  // moved behind the function's end returns by one too.
  const loops = flow.flatMap((targets, last) =>
    targets.filter((first) => first <= last).map((first) => walkLoop(flow, first, last)),
  );
  const isInside = (inner, outer) => inner.size < outer.size && [...inner].every((n) => outer.has(n));
  return loops
    .filter((loop) => loop.size > 0 && !loops.some((other) => other.size > 0 && isInside(other, loop)))
    .map((loop) => [...loop].sort((a, b) => a - b).map((n) => instructions[n]));
}

/** All that lies on a way from `first` to `last`; empty where there is none. */
function walkLoop(flow, first, last) {
  const origins = flow.map(() => []);
  for (const [from, targets] of flow.entries()) for (const to of targets) origins[to].push(from);
  const reached = walk(flow, first, last);
  const reaching = walk(origins, last, first);
  return new Set(reached.has(last) ? [...reached].filter((n) => reaching.has(n)) : []);
}

/** All that is reached from `start` by the edges of a graph, not going on from `end`. */
function walk(edges, start, end) {
  const seen = new Set([start]);
  for (const n of seen) if (n !== end) for (const next of edges[n]) seen.add(next);
  return seen;
}

function jumpTarget({ mnemonic, operands }) {
  if (!/^(j[a-z]+|b|b\.[a-z]+|cbn?z|tbn?z)$/.test(mnemonic)) return undefined;
  const target = /(?:0x)?([0-9a-f]+)$/.exec(operands)?.[1];
  return target === undefined ? undefined : parseInt(target, 16);
}

/** Without a frame, rbp is a register like any other. On AArch64 the frame pointer is never one. */
function hasFramePointer(instructions) {
  return instructions.slice(0, 12).some(({ text }) => /^mov\s+%rsp,\s*%rbp$/.test(text));
}

function describeLoop(loop, usesFrame) {
  const stack = usesFrame ? /\(%r[sb]p|\[(sp|x29)\b/ : /\(%rsp|\[(sp|x29)\b/;
  const isMultiplyAdd = ({ text }) => /^(vfn?m(add|sub)\d+ps|mulps|fml[as] v|fml[as]\.4s)/.test(text);
  // Where multiply-adds are two instructions, the addition is the other half.
  const isHalf = ({ mnemonic }) => mnemonic === 'addps';
  const isLoad = ({ mnemonic, operands }) =>
    /[([]/.test(operands) && !/^(lea|nop|prefetch|prfm)/.test(mnemonic) && !isStore({ mnemonic, operands });
  return {
    multiplyAdds: loop.filter(isMultiplyAdd).length,
    loads: loop.filter(isLoad).length,
    others: loop.filter((i) => !isMultiplyAdd(i) && !isHalf(i) && !isLoad(i)).length,
    // Any use of the stack: of a vector or of a pointer.
    spills: loop.filter(({ operands }) => stack.test(operands)).map(({ text }) => text),
    gathers: loop.filter(({ mnemonic }) => mnemonic.includes('gather')).map(({ text }) => text),
  };
}

/** AT&T order: what is written comes last. */
function isStore({ mnemonic, operands }) {
  return /^v?mov/.test(mnemonic) ? /\)$/.test(operands) : /^st/.test(mnemonic);
}
