import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import type { Redis } from "./redisClient.js"
import { type Operation, StoreError } from "./TokenStore.js"

/** Of Node and of TLS: `ECONNREFUSED`, `CERT_HAS_EXPIRED`. */
const systemCode = /^[A-Z][A-Z0-9_]{1,39}$/
/** What Redis' error replies begin with: `OOM`, `NOAUTH`, `WRONGTYPE`. */
const replyCode = /^[A-Z]{2,20}(?= |$)/
const className = /^[A-Za-z]{1,40}$/

/**
 * What went wrong, without what was sent: a message may repeat that, a code does not.
 *
 * @internal
 */
export const codeOf = (error: unknown): string | undefined => {
  if (!(error instanceof Error)) return undefined
  if (Predicate.hasProperty(error, "code") && Predicate.isString(error.code) && systemCode.test(error.code))
    return error.code
  const name = error.name === "Error" ? error.constructor.name : error.name
  return replyCode.exec(error.message)?.[0] ?? (name !== "Error" && className.test(name) ? name : undefined)
}

/** A server that is well, and does not do this: other commands may be done. */
const refusals: ReadonlySet<string> = new Set(["OOM", "MISCONF", "NOPERM", "READONLY", "WRONGTYPE"])

/** @internal */
export const failed = (operation: Operation, code: string | undefined): Effect.Effect<never, StoreError> =>
  new StoreError({ operation, reason: refusals.has(code ?? "") ? "refused" : "failed", code })

/**
 * A connection, and what is known of its troubles.
 *
 * @internal
 */
export interface Connection {
  /** Sends a command. Interruption stops the waiting for its reply; what has been sent is carried out nevertheless. */
  readonly ask: (
    operation: Operation,
    command: (redis: Redis) => PromiseLike<unknown>
  ) => Effect.Effect<unknown, StoreError>
}

const ignore = (): void => {}

const send = (redis: Redis, command: (redis: Redis) => PromiseLike<unknown>): Promise<unknown> =>
  new Promise((resolve) => resolve(command(redis)))

/**
 * Somebody's connection: never opened, never closed. Its error events stay theirs; where nobody listens, and node-redis
 * would end the process for that, they are ignored. That listener stays: taking the last one off a client of node-redis
 * leaves it deaf, since the client shares its listeners with the object that emits, until there are none.
 *
 * @internal
 */
export const existing = (redis: Redis): Connection => {
  if (redis.isFatalUnheard()) redis.onError(ignore)
  return {
    ask: (operation, command) =>
      Effect.async((resume) => {
        send(redis, command).then(
          (reply) => resume(Effect.succeed(reply)),
          (error) => resume(failed(operation, codeOf(error)))
        )
      })
  }
}

/**
 * A connection of our own. While it is down for a known reason nothing is sent: a client would keep the commands, and carry
 * them out when their callers are long gone and the world has changed.
 *
 * @internal
 */
export class OwnConnection implements Connection {
  private isClosed = false
  private trouble: string | undefined
  private readonly waiting = new Set<(trouble: string) => void>()

  constructor(private readonly redis: Redis) {
    redis.onError((error) => this.onError(error))
    redis.open()
  }

  readonly ask = (
    operation: Operation,
    command: (redis: Redis) => PromiseLike<unknown>
  ): Effect.Effect<unknown, StoreError> =>
    Effect.async((resume) => {
      const trouble = this.findTrouble()
      if (trouble !== undefined) return resume(failed(operation, trouble))
      const end = (result: Effect.Effect<unknown, StoreError>): void => {
        this.waiting.delete(giveUp)
        resume(result)
      }
      const giveUp = (code: string): void => end(failed(operation, code))
      this.waiting.add(giveUp)
      const sent = (): Promise<unknown> =>
        this.waiting.has(giveUp) ? send(this.redis, command) : Promise.resolve(undefined)
      const opening = this.redis.opening()
      const reply = opening === undefined ? sent() : opening.then(sent)
      reply.then(
        (answer) => end(Effect.succeed(answer)),
        (error) => end(failed(operation, codeOf(error)))
      )
      return Effect.sync(() => this.waiting.delete(giveUp))
    })

  /** Breaks off: a server that does not answer would not answer a farewell either. */
  readonly close: Effect.Effect<void> = Effect.suspend(() => {
    this.isClosed = true
    this.abandon("Closed")
    return Effect.ignore(Effect.try(() => this.redis.close()))
  })

  private findTrouble(): string | undefined {
    if (this.isClosed) return "Closed"
    this.redis.open()
    if (this.redis.isReady()) this.trouble = undefined
    return this.trouble
  }

  private onError(error: unknown): void {
    if (this.redis.isReady()) return
    this.trouble = codeOf(error) ?? "Disconnected"
    this.abandon(this.trouble)
  }

  private abandon(code: string): void {
    for (const giveUp of [...this.waiting]) giveUp(code)
  }
}
