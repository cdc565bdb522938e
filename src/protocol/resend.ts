import type { ResolvedAuthority } from "../core/Authority.js"
import { type Failure, Throttled, TransportError } from "../core/TokenError.js"
import type { Grant } from "./grants.js"

/** The server has not seen it, or has put it off unread. */
const wasNotTaken = (failure: Failure): boolean =>
  failure instanceof TransportError
    ? failure.phase === "notSent"
    : failure instanceof Throttled && failure.status === 429

/**
 * Whether a request may be sent again after it failed so: what is used up by asking only if it has not been taken.
 *
 * @internal
 */
export const mayResend =
  (grant: Grant<unknown>, authority: ResolvedAuthority["kind"]) =>
  (failure: Failure): boolean =>
    !grant.consumes(authority) || wasNotTaken(failure)
