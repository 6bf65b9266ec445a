// The version of headpool, which outputs record. Written here by `npm version`, so that a bundle has it too.
export const version = '0.1.0';
