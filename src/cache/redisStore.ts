import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import type * as Scope from "effect/Scope"
import { ConfigurationError } from "../core/TokenError.js"
import { type RedisClient, redisOf } from "./redisClient.js"
import { type Connection, existing, failed, OwnConnection } from "./redisConnection.js"
import type { Operation, StoreError, TokenStore } from "./TokenStore.js"

const notAClient = new ConfigurationError({
  parameter: "client",
  expected: "a client of ioredis or of redis (node-redis), or a function that returns one",
  remedy: "Pass for instance `() => new Redis(url)` or `() => createClient({ url })`."
})

const noClientMade = new ConfigurationError({
  parameter: "client",
  expected: "a function that returns a Redis client, and not one that throws",
  remedy: "Call it by itself to see what it throws: that may hold a password, and is not repeated here."
})

const unfitPrefix = new ConfigurationError({
  parameter: "prefix",
  expected: "at most 100 printable ASCII characters, no space, no { and no }",
  remedy: "Leave it out for the default of entra:, or take a plain one such as myapp:."
})

/** The keys' own braces tell a cluster where they belong: a prefix with braces would send them elsewhere. */
const prefixFormat = /^[!-z|~]{0,100}$/

const own = (makeClient: () => unknown): Effect.Effect<Connection, ConfigurationError, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.gen(function* () {
      const client = yield* Effect.try({ try: makeClient, catch: () => noClientMade })
      const redis = redisOf(client)
      return redis === undefined ? yield* notAClient : new OwnConnection(redis)
    }),
    (connection) => connection.close
  )

const connect = (
  client: RedisClient | (() => RedisClient)
): Effect.Effect<Connection, ConfigurationError, Scope.Scope> => {
  if (Predicate.isFunction(client)) return own(client)
  const redis = redisOf(client)
  return redis === undefined ? notAClient : Effect.sync(() => existing(redis))
}

const longestMillis = 2 ** 53

/** What Redis counts in; it refuses 0. */
const millisOf = (ttl: Duration.Duration): number =>
  Math.min(longestMillis, Math.max(1, Math.ceil(Duration.toMillis(ttl))))

/** The reply was of another type than the command's: no Redis, a client that was told to make buffers of texts. */
const unexpected = (operation: Operation): Effect.Effect<never, StoreError> => failed(operation, "UnexpectedReply")

/** How many of the one key it was. Clients can be told to make texts or bigints of numbers. */
const isCount = (reply: unknown): reply is number | bigint | string =>
  !Predicate.isObject(reply) && /^[01]$/.test(String(reply))

/** @internal */
export interface RedisStore extends TokenStore {
  readonly getMany: NonNullable<TokenStore["getMany"]>
  readonly compareAndSet: NonNullable<TokenStore["compareAndSet"]>
}

const isText = (reply: unknown): reply is string | null => reply === null || Predicate.isString(reply)

const storeOver = ({ ask }: Connection, prefix: string): RedisStore => ({
  get: (key) =>
    Effect.flatMap(
      ask("get", (redis) => redis.get(prefix + key)),
      (reply) => (isText(reply) ? Effect.succeed(Option.fromNullable(reply)) : unexpected("get"))
    ),
  // Commands of one moment go out together; MGET would not reach over the slots of a cluster.
  getMany: (keys) =>
    Effect.flatMap(
      ask("get", (redis) => Promise.all(keys.map((key) => redis.get(prefix + key)))),
      (replies) =>
        Array.isArray(replies) && replies.every(isText)
          ? Effect.succeed(replies.map(Option.fromNullable))
          : unexpected("get")
    ),
  set: (key, value, ttl) =>
    Effect.flatMap(
      ask("set", (redis) => redis.set(prefix + key, value, millisOf(ttl))),
      (reply) => (reply === "OK" ? Effect.void : unexpected("set"))
    ),
  remove: (key) =>
    Effect.flatMap(
      ask("remove", (redis) => redis.remove(prefix + key)),
      (reply) => (isCount(reply) ? Effect.void : unexpected("remove"))
    ),
  compareAndSet: (key, expected, next, ttl) =>
    Option.match(expected, {
      onNone: () =>
        Effect.flatMap(
          ask("compareAndSet", (redis) => redis.setIfAbsent(prefix + key, next, millisOf(ttl))),
          (reply) => (reply === null || reply === "OK" ? Effect.succeed(reply === "OK") : unexpected("compareAndSet"))
        ),
      onSome: (present) =>
        Effect.flatMap(
          ask("compareAndSet", (redis) => redis.setIfEqual(prefix + key, present, next, millisOf(ttl))),
          (reply) => (isCount(reply) ? Effect.succeed(Number(reply) === 1) : unexpected("compareAndSet"))
        )
    })
})

/**
 * A store in Redis, alone or as a cluster.
 *
 * Given a function, the connection is the store's own: it is made with the scope and broken off when the scope closes. In
 * between the client connects again as it was told to, and where it has given up, the next operation makes it begin anew. Its
 * error events are heard: they neither end the process nor are printed, and while it is down they become the `code` with which
 * operations fail at once.
 *
 * A connection that exists already is used as it is: it is not opened, not closed, and its error events are left to whoever
 * made it. Only where a client of node-redis has no listener for them, which would end the process, are they ignored.
 *
 * Nothing here is bounded in time: interrupting an operation stops the waiting, and nothing else.
 *
 * @internal
 */
export const make = (options: {
  readonly client: RedisClient | (() => RedisClient)
  /** Of all keys; `entra:` unless told. */
  readonly prefix?: string | undefined
}): Effect.Effect<RedisStore, ConfigurationError, Scope.Scope> => {
  const prefix = options.prefix ?? "entra:"
  return Predicate.isString(prefix) && prefixFormat.test(prefix)
    ? Effect.map(connect(options.client), (connection) => storeOver(connection, prefix))
    : unfitPrefix
}
