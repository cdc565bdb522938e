import * as Predicate from "effect/Predicate"

/**
 * What is used of ioredis 5: `new Redis(url)`, `new Cluster(nodes)`.
 *
 * @internal
 */
export interface IoredisLike {
  readonly status: string
  on(event: "error", listener: (error: Error) => void): unknown
  get(key: string): PromiseLike<unknown>
  set(key: string, value: string, unit: "PX", millis: number): PromiseLike<unknown>
  set(key: string, value: string, unit: "PX", millis: number, condition: "NX"): PromiseLike<unknown>
  del(key: string): PromiseLike<unknown>
  eval(script: string, keys: number, ...keysAndArguments: Array<string>): PromiseLike<unknown>
  connect(): PromiseLike<unknown>
  disconnect(): unknown
}

/**
 * What is used of redis 6 ("node-redis"): `createClient`, `createCluster`, `createClientPool`.
 *
 * @internal
 */
export interface NodeRedisLike {
  readonly isOpen: boolean
  /** A pool does not tell. */
  readonly isReady?: boolean
  on(event: "error", listener: (error: Error) => void): unknown
  listenerCount(event: "error"): number
  get(key: string): PromiseLike<unknown>
  set(key: string, value: string, options: { PX: number; NX?: true }): PromiseLike<unknown>
  del(key: string): PromiseLike<unknown>
  eval(script: string, options: { keys: Array<string>; arguments: Array<string> }): PromiseLike<unknown>
  connect(): PromiseLike<unknown>
  destroy(): unknown
}

/** @internal */
export type RedisClient = IoredisLike | NodeRedisLike

/**
 * Either client, spoken to in one way. Its replies are whatever the server answers.
 *
 * @internal
 */
export interface Redis {
  readonly get: (key: string) => PromiseLike<unknown>
  readonly set: (key: string, value: string, millis: number) => PromiseLike<unknown>
  readonly setIfAbsent: (key: string, value: string, millis: number) => PromiseLike<unknown>
  readonly setIfEqual: (key: string, expected: string, next: string, millis: number) => PromiseLike<unknown>
  readonly remove: (key: string) => PromiseLike<unknown>
  /** Whether a command is sent at once. */
  readonly isReady: () => boolean
  /** Connects where that has not been begun, or has been given up; does not wait for it. */
  readonly open: () => void
  /** What a command has to wait for, where the client keeps none until it is connected. */
  readonly opening: () => Promise<unknown> | undefined
  readonly close: () => void
  readonly onError: (listener: (error: unknown) => void) => void
  /** Nobody listens for its errors, so that the next one ends this process. */
  readonly isFatalUnheard: () => boolean
}

/** One key, so that it runs in a cluster; what is no text there fails as it does with GET. */
const swap = `if redis.call("GET", KEYS[1]) == ARGV[1] then
  redis.call("SET", KEYS[1], ARGV[2], "PX", ARGV[3])
  return 1
end
return 0`

const ignore = (): void => {}

const ofIoredis = (client: IoredisLike): Redis => ({
  get: (key) => client.get(key),
  set: (key, value, millis) => client.set(key, value, "PX", millis),
  setIfAbsent: (key, value, millis) => client.set(key, value, "PX", millis, "NX"),
  setIfEqual: (key, expected, next, millis) => client.eval(swap, 1, key, expected, next, `${millis}`),
  remove: (key) => client.del(key),
  isReady: () => client.status === "ready",
  open: () => {
    if (client.status === "end") client.connect().then(ignore, ignore)
  },
  opening: () => undefined,
  close: () => client.disconnect(),
  onError: (listener) => client.on("error", listener),
  isFatalUnheard: () => false
})

const ofNodeRedis = (client: NodeRedisLike): Redis => {
  let opening: Promise<unknown> | undefined
  return {
    get: (key) => client.get(key),
    set: (key, value, millis) => client.set(key, value, { PX: millis }),
    setIfAbsent: (key, value, millis) => client.set(key, value, { PX: millis, NX: true }),
    setIfEqual: (key, expected, next, millis) =>
      client.eval(swap, { keys: [key], arguments: [expected, next, `${millis}`] }),
    remove: (key) => client.del(key),
    isReady: () => client.isReady ?? client.isOpen,
    open: () => {
      if (client.isOpen) return
      const connecting = Promise.resolve(client.connect().then(ignore, ignore)).finally(() => {
        if (opening === connecting) opening = undefined
      })
      opening = connecting
    },
    opening: () => opening,
    close: () => client.destroy(),
    onError: (listener) => client.on("error", listener),
    isFatalUnheard: () => client.listenerCount("error") === 0
  }
}

const hasMethods = (client: object, names: ReadonlyArray<string>): boolean =>
  names.every((name) => Predicate.hasProperty(client, name) && Predicate.isFunction(client[name]))

const methods = ["on", "get", "set", "del", "eval", "connect"]

const isIoredis = (client: unknown): client is IoredisLike =>
  Predicate.hasProperty(client, "status") &&
  Predicate.isString(client.status) &&
  hasMethods(client, [...methods, "disconnect"])

const isNodeRedis = (client: unknown): client is NodeRedisLike =>
  Predicate.hasProperty(client, "isOpen") &&
  Predicate.isBoolean(client.isOpen) &&
  hasMethods(client, [...methods, "listenerCount", "destroy"])

/**
 * Tells the clients apart by what their documentation names: `isOpen` of node-redis, `status` of ioredis. Nothing where it is
 * neither, as may come from plain JavaScript.
 *
 * @internal
 */
export const redisOf = (client: unknown): Redis | undefined =>
  isNodeRedis(client) ? ofNodeRedis(client) : isIoredis(client) ? ofIoredis(client) : undefined
