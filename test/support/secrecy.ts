import { inspect } from "node:util"
import { assert } from "@effect/vitest"
import { Cause, Effect, Exit, FiberRef, HashSet, Inspectable, Logger, LogLevel, Tracer } from "effect"

/** All that a value can turn into on its way to a person, a file or a wire. */
export const outputs = (value: unknown): ReadonlyArray<string> => [
  String(value),
  inspect(value, { depth: 20, showHidden: true }),
  inspect(value, { depth: 20, getters: true }),
  JSON.stringify(value) ?? "",
  Inspectable.toStringUnknown(value),
  Inspectable.format(value),
  Cause.pretty(Cause.fail(value), { renderErrorCause: true }),
  inspect(Exit.fail(value), { depth: 20 }),
  JSON.stringify(Exit.fail(value))
]

/** A tracer that keeps all that its spans are told, in each form that it can be printed in. */
const tracerInto = (spans: Array<string>) => {
  const keep = (...facts: ReadonlyArray<unknown>) => void spans.push(...facts.flatMap(outputs))
  return Tracer.make({
    context: (run) => run(),
    span: (name, parent, context, links, startTime, kind, options) => {
      keep(name, options?.attributes)
      return {
        _tag: "Span",
        name,
        spanId: "1".repeat(16),
        traceId: "1".repeat(32),
        parent,
        context,
        status: { _tag: "Started", startTime },
        attributes: new Map(),
        links,
        sampled: true,
        kind,
        end: (_, exit) => keep(exit),
        attribute: (key, value) => keep(key, value),
        event: (event, _, attributes) => keep(event, attributes),
        addLinks: () => {}
      }
    }
  })
}

/** Runs a program, and gives all that it logs and traces besides. */
export const heard = <A, E, R>(program: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const logs: Array<string> = []
    const spans: Array<string> = []
    const loggers = [Logger.stringLogger, Logger.logfmtLogger, Logger.jsonLogger].map((logger) =>
      Logger.map(logger, (line) => void logs.push(line))
    )
    const value = yield* program.pipe(
      Effect.locally(FiberRef.currentLoggers, HashSet.fromIterable(loggers)),
      Logger.withMinimumLogLevel(LogLevel.All),
      Effect.withTracer(tracerInto(spans))
    )
    return { value, logs, spans }
  })

/** A secret, and what it looks like in an address, a form or a header of Basic. */
const spellings = (secret: string): ReadonlyArray<string> => [
  secret,
  encodeURIComponent(secret),
  Buffer.from(secret).toString("base64"),
  Buffer.from(secret).toString("hex")
]

/** None of these, and no JWT, is in any of the texts. */
export const refuseAll = (texts: ReadonlyArray<string>, secrets: ReadonlyArray<string>): void => {
  const text = texts.join("\n")
  for (const secret of secrets) {
    assert.isAtLeast(secret.length, 8)
    for (const spelling of spellings(secret)) assert.isFalse(text.includes(spelling), `${spelling.slice(0, 12)}...`)
  }
  assert.notInclude(text, "eyJ")
}
