import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"

/** What a server's answer tells for people and their support; no program decides by it. */
export const diagnostics = {
  /** With prefix (`AADSTS7000215`), the most specific one last. */
  errorCodes: Schema.Array(Schema.String),
  correlationId: Schema.optional(Schema.String),
  traceId: Schema.optional(Schema.String),
  timestamp: Schema.optional(Schema.DateTimeUtc),
  /** The server's prose, 2 kB at most. */
  description: Schema.optional(Schema.RedactedFromSelf(Schema.String))
}

/** Who says so: the server's answer just now, or our memory of an earlier one, nothing being sent. */
export const source = Schema.Literal("server", "local").pipe(
  Schema.propertySignature,
  Schema.withConstructorDefault(() => "server" as const)
)

export const status = Schema.Int
export const retryAfter = Schema.optional(Schema.DurationFromMillis)

/** What every refusal tells (RFC 6749 4.1.2.1, 5.2); a refusal by redirect has no status, nor has one from memory alone. */
export const refusal = {
  source,
  error: Schema.String,
  suberror: Schema.optional(Schema.String),
  status: Schema.optional(status),
  ...diagnostics
}

interface Diagnosed {
  readonly source: "server" | "local"
  readonly error?: string | undefined
  readonly suberror?: string | undefined
  readonly errorCodes: ReadonlyArray<string>
  readonly status?: number | undefined
  readonly correlationId?: string | undefined
}

/** The facts in a message's brackets. */
export const details = (failure: Diagnosed): string => {
  const parts = [
    failure.error,
    failure.suberror,
    ...failure.errorCodes,
    failure.status === undefined ? undefined : `HTTP ${failure.status}`,
    failure.correlationId === undefined ? undefined : `correlation id ${failure.correlationId}`,
    failure.source === "local" ? "from memory: nothing was sent" : undefined
  ].filter((part) => part !== undefined)
  return parts.length === 0 ? "" : ` (${parts.join(", ")})`
}

const seconds = (duration: Duration.Duration): string => `${Math.ceil(Duration.toSeconds(duration))} s`

export const waitOf = (failure: { readonly retryAfter?: Duration.Duration | undefined }): string =>
  failure.retryAfter === undefined ? "" : `; it asks to wait ${seconds(failure.retryAfter)}`
