// What a TypeScript source imports, by value or by type, and which globals it names. Paths are relative to the package.
import { posix } from 'node:path';
import ts from 'typescript';

export interface Source {
  /** Such as `src/engine/engine.ts`. */
  readonly path: string;
  readonly text: string;
}

export interface ParsedSource {
  readonly path: string;
  /** Sources that it imports, as paths. */
  readonly files: readonly string[];
  /** Packages that it imports, Node's own left out. */
  readonly packages: readonly string[];
  /** Such as `process.exit` or `console`. */
  readonly globals: readonly string[];
}

export function parseSource({ path, text }: Source): ParsedSource {
  const specifiers: string[] = [];
  const globals: string[] = [];
  const visit = (node: ts.Node): void => {
    const specifier = specifierOf(node);
    if (specifier !== undefined) specifiers.push(specifier);
    globals.push(...globalsOf(node));
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true));
  const isFile = (specifier: string): boolean => specifier.startsWith('.');
  return {
    path,
    files: specifiers.filter(isFile).map((specifier) => toPath(path, specifier)),
    packages: specifiers
      .filter((specifier) => !isFile(specifier) && !specifier.startsWith('node:'))
      .map(packageOf),
    globals,
  };
}

/** The module that a node imports or re-exports: statements, `import()` and the `import('x').Y` of types. */
function specifierOf(node: ts.Node): string | undefined {
  let specifier: ts.Node | undefined;
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) specifier = node.moduleSpecifier;
  else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument))
    specifier = node.argument.literal;
  else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
    specifier = node.arguments[0];
  return specifier !== undefined && ts.isStringLiteralLike(specifier) ? specifier.text : undefined;
}

function globalsOf(node: ts.Node): string[] {
  if (ts.isPropertyAccessExpression(node) && ts.isIdentifier(node.name)) {
    const owner = node.expression;
    const isProcess =
      (ts.isIdentifier(owner) && owner.text === 'process') ||
      (ts.isPropertyAccessExpression(owner) && owner.name.text === 'process');
    return isProcess ? [`process.${node.name.text}`] : [];
  }
  if (ts.isImportDeclaration(node) && specifierOf(node) === 'node:process') {
    const bindings = node.importClause?.namedBindings;
    if (bindings === undefined || !ts.isNamedImports(bindings)) return [];
    return bindings.elements.map(({ name, propertyName }) => `process.${(propertyName ?? name).text}`);
  }
  const isConsole = ts.isIdentifier(node) && node.text === 'console' && !isPropertyName(node);
  return isConsole ? ['console'] : [];
}

function isPropertyName(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) {
    const owner = parent.expression;
    return parent.name === node && !(ts.isIdentifier(owner) && owner.text === 'globalThis');
  }
  return ts.isPropertyAssignment(parent) || ts.isPropertySignature(parent);
}

function toPath(from: string, specifier: string): string {
  return posix.join(posix.dirname(from), specifier).replace(/\.js$/, '.ts');
}

function packageOf(specifier: string): string {
  const [first, second] = specifier.split('/') as [string, string | undefined];
  return first.startsWith('@') && second !== undefined ? `${first}/${second}` : first;
}
