// What is wrong with what an earlier run left, and the way out.
import { HeadpoolError } from '../core/errors.js';

export function restartable({ code, message }: HeadpoolError): HeadpoolError {
  return new HeadpoolError(code, `${message}; \`--restart\` begins anew`);
}
