/* A second user, whom only root can play. */

/** "nobody" of most systems: this user owns nothing, and is in no group of ours. */
export const OTHER_USER = 65534;

/** For tests that need two users. */
export const needsRoot: { skip: string | false } = {
  skip: process.getuid?.() !== 0 && "needs root, for a second user",
};

/** Does something with the rights of the other user. */
export function asOther<Result>(action: () => Result): Result {
  process.seteuid!(OTHER_USER);
  try {
    return action();
  } finally {
    process.seteuid!(0);
  }
}
