// Which errors mean that a server is away for a while, and will be back: everything else is told at once.

/** Of sockets and names; then those of PostgreSQL that begin so (a connection failed, it is stopping or starting). */
const systemCodes = [
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EAI_AGAIN',
  'ENOTFOUND',
  'EADDRNOTAVAIL',
];
const postgresCodes = /^(08|57P0[123]|53300)/;

/** Of Redis while it reads its data or changes its part, and of both drivers. */
const messages =
  /^(LOADING|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|READONLY|UNBLOCKED) |^Connection (is closed|terminated|ended|timeout)|^Socket (timeout|closed)|^Command timed out|timeout exceeded when trying to connect|^Query read timeout|^timeout expired|Client has encountered a connection error/;

export function isGone(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code = '' } = error as NodeJS.ErrnoException;
  return systemCodes.includes(code) || postgresCodes.test(code) || messages.test(error.message);
}
