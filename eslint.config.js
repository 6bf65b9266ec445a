// Lint rules: typescript-eslint with types, because a floating promise is a lost error here. Plain JavaScript (build
// scripts, adapters of peers) has no types and gets the rules that need none.
import tseslint from 'typescript-eslint';
import { noListSpread } from './tools/lint/no-list-spread.mjs';

/** What Node.js gives to every module, as far as scripts use it. */
const nodeGlobals = [
  'AbortController',
  'Buffer',
  'URL',
  'WebAssembly',
  'console',
  'performance',
  'process',
  'setTimeout',
  'clearTimeout',
];

/** Of ESLint itself: what is a mistake in any script. */
const mistakes = [
  'array-callback-return',
  'consistent-return',
  'eqeqeq',
  'no-cond-assign',
  'no-const-assign',
  'no-constant-condition',
  'no-dupe-else-if',
  'no-dupe-keys',
  'no-duplicate-case',
  'no-fallthrough',
  'no-func-assign',
  'no-import-assign',
  'no-promise-executor-return',
  'no-redeclare',
  'no-self-assign',
  'no-undef',
  'no-unreachable',
  'no-unreachable-loop',
  'no-unsafe-finally',
  'no-unsafe-negation',
  'no-unused-private-class-members',
  'no-useless-assignment',
  'no-useless-escape',
  'no-var',
  'prefer-const',
  'use-isnan',
  'valid-typeof',
];

export default tseslint.config(
  {
    ignores: [
      'dist/',
      'demo/',
      'docs/api/',
      'examples/typescript/',
      '**/node_modules/',
      '**/*.js',
      '!examples/server/*.js',
      '**/*.d.ts',
    ],
  },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      // The indices of typed arrays are checked where they are computed, not at each element.
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      'no-console': 'error',
    },
  },
  {
    files: ['src/**/*.ts', 'workers/**/*.ts'],
    plugins: { headpool: { rules: { 'no-list-spread': noListSpread } } },
    rules: { 'headpool/no-list-spread': 'error' },
  },
  { files: ['src/commands/terminal.ts', 'bench/**'], rules: { 'no-console': 'off' } },
  {
    files: ['**/*.mjs', 'examples/server/*.js'],
    extends: [tseslint.configs.strict],
    languageOptions: { globals: Object.fromEntries(nodeGlobals.map((name) => [name, 'readonly'])) },
    rules: Object.fromEntries(mistakes.map((name) => [name, 'error'])),
  },
);
