// A lint rule: no list as the arguments of a call. Arguments go on the stack, so that a list of some 120,000 entries,
// which a file can make, ends in a RangeError. Two things may be spread, because their lengths are known: a tuple (where
// a list has a fixed number of entries, its type says so: `readonly [number, number]`), and the function's own rest
// parameter, which was a call's arguments already. Where a list is short for another reason, a comment that turns the
// rule off for the line says which.

/** Needs types. */
export const noListSpread = {
  meta: {
    type: 'problem',
    messages: {
      spread:
        'A list of any length is spread into arguments, which the stack may not hold: loop over it (append, largestOf and leastOf of src/core/lists.ts do), or make its type a tuple.',
    },
    schema: [],
  },
  create(context) {
    const { getTypeAtLocation, program } = context.sourceCode.parserServices;
    const checker = program.getTypeChecker();
    const isFixed = (type) =>
      type.isUnion() ? type.types.every(isFixed) : checker.isTupleType(type) && !type.target.hasRestElement;
    return {
      'CallExpression, NewExpression'(node) {
        for (const argument of node.arguments) {
          if (argument.type !== 'SpreadElement') continue;
          const list = argument.argument;
          if (isFixed(getTypeAtLocation(list)) || isRestParameter(context.sourceCode.getScope(list), list))
            continue;
          context.report({ node: argument, messageId: 'spread' });
        }
      },
    };
  },
};

/** Whether an expression is the name of a function's rest parameter. */
function isRestParameter(scope, { type, name }) {
  if (type !== 'Identifier') return false;
  for (let at = scope; at !== null; at = at.upper) {
    const variable = at.set.get(name);
    if (variable === undefined) continue;
    return variable.defs.some(
      (definition) =>
        definition.type === 'Parameter' &&
        definition.node.params.some((of) => of.type === 'RestElement' && of.argument === definition.name),
    );
  }
  return false;
}
