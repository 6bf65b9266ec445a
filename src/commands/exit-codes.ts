// Exit codes that several commands have.

/** Some inputs or sequences were left out; the rest is written. */
export const someFailed = 3;
