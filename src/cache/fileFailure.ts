import type { PlatformError } from "@effect/platform/Error"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Schedule from "effect/Schedule"
import type { StoreError } from "./TokenStore.js"

/**
 * Why a file could not be used: what `StoreError` tells, but for the operation. The system's prose stays behind.
 *
 * @internal
 */
export type FileFailure = Pick<StoreError, "reason" | "code" | "remedy">

const isCode = (value: unknown): value is string => typeof value === "string" && /^[A-Z][A-Z0-9_]{1,31}$/.test(value)

/**
 * The system's own code (`EACCES`, `ENOSPC`), or the platform's word where it gives none.
 *
 * @internal
 */
export const codeOf = (error: PlatformError): string => {
  if (error._tag === "BadArgument") return error._tag
  return Predicate.hasProperty(error.cause, "code") && isCode(error.cause.code) ? error.cause.code : error.reason
}

/** @internal */
export const isNotFound = (error: PlatformError): boolean => error._tag === "SystemError" && error.reason === "NotFound"

/** @internal */
export const isAlreadyThere = (error: PlatformError): boolean =>
  error._tag === "SystemError" && error.reason === "AlreadyExists"

const denied = new Set(["EACCES", "EPERM", "EROFS", "PermissionDenied"])
const full = new Set(["ENOSPC", "EDQUOT"])

/** @internal */
export const failureOf =
  (path: string) =>
  (error: PlatformError): FileFailure => {
    const code = codeOf(error)
    if (denied.has(code))
      return { reason: "refused", code, remedy: `Let this user write to ${path}, or choose another.` }
    if (full.has(code)) return { reason: "failed", code, remedy: `Free some space for ${path}.` }
    if (isNotFound(error)) return { reason: "failed", code, remedy: `Something has removed ${path}: start again.` }
    return { reason: "failed", code }
  }

/** What Windows answers while a reader, an indexer or a virus scanner has the file open. */
const isHeld = (error: PlatformError): boolean => ["EPERM", "EACCES", "EBUSY"].includes(codeOf(error))

/**
 * Tries again for a tenth of a second, as Windows demands: whoever reads a file there keeps others from replacing it.
 *
 * @internal
 */
export const patiently = <A, R>(effect: Effect.Effect<A, PlatformError, R>): Effect.Effect<A, PlatformError, R> =>
  Effect.retry(effect, { while: isHeld, times: 5, schedule: Schedule.spaced(Duration.millis(20)) })

/**
 * A path as a POSIX shell reads it.
 *
 * @internal
 */
export const shellWord = (path: string): string =>
  /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`
