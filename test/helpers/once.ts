// Cases that several kernels are held against: made when the first of them asks.

/** What `make` made at the first call; nobody may write to it. */
export function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}
