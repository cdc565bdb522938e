import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { makeGuid } from "../core/guid.js"
import { CacheUnavailable } from "../core/TokenError.js"
import type { NextUser } from "./backing.js"
import { type Partition, partitionIn } from "./cacheKey.js"
import type { Sharing } from "./sharing.js"
import { everything } from "./standings.js"
import type { TokenCacheService, User } from "./TokenCache.js"
import type { StoreError } from "./TokenStore.js"

/** What the store has lost is written again, and nothing else. */
const nothingElse = (): undefined => undefined

/** A thousand users take a while; that the store answers is known by then. */
const longPatience = Duration.seconds(5)

/**
 * Users whom processes share. What the store can't be told now, it is told later: no refresh token gets lost, and nobody who has
 * signed out comes back.
 *
 * @internal
 */
export const make = (
  sharing: Sharing
): Pick<TokenCacheService, "user" | "users" | "modifyUser" | "remove" | "removeGroup" | "clear" | "inTurn"> => {
  const { ask, askOfMany, backing, isLocal, isTold, leased, local, outbox, standings } = sharing

  /** What memory holds of a user when the store is told at last, unless somebody else has written meanwhile. */
  const later = (partition: Partition, next: NextUser) =>
    Effect.flatMap(local.user(partition), (mine) =>
      mine === undefined
        ? Effect.void
        : backing.modifyUser(partition, standings.epochOf(partition), mine, (stored) =>
            stored === mine || next(stored) !== undefined ? mine : undefined
          )
    )

  const enlist = (partition: Partition) => outbox.send(`list ${partition.id}`, backing.enlist(partition), "list")

  const removeAll = (id: string, here: Effect.Effect<void>, there: (at: number) => Effect.Effect<void, StoreError>) =>
    Effect.gen(function* () {
      const at = yield* Clock.currentTimeMillis
      standings.clearHere(id, at)
      yield* outbox.send(id, there(at))
      yield* here
    })

  return {
    user: (partition) =>
      Effect.gen(function* () {
        const since = local.unsafeNextSequence()
        if (isLocal(partition) || !(yield* isTold(partition.group, partition.id))) return yield* local.user(partition)
        const answer = yield* ask(partition, "get", backing.user(partition))
        if (Option.isNone(answer)) return (yield* local.user(partition)) ?? (yield* new CacheUnavailable())
        if (local.wasRemoved(partition, since)) return undefined
        yield* standings.learn(partition, answer.value.standing)
        const mine = yield* local.user(partition)
        if (answer.value.user !== undefined) local.putUser(partition, answer.value.user)
        else if (mine !== undefined) {
          yield* outbox.send(partition.id, later(partition, nothingElse))
          yield* enlist(partition)
        }
        return answer.value.user ?? mine
      }),

    users: (group) =>
      Effect.gen(function* () {
        const here = yield* local.users(group)
        if (isLocal(partitionIn(group, "")) || !(yield* isTold(group))) return here
        const reader = yield* askOfMany("get", backing.users(group))
        if (Option.isNone(reader)) return here
        const answer = yield* askOfMany("get", reader.value, longPatience)
        if (Option.isNone(answer)) return here
        const isUntold = ({ account }: User) =>
          account !== undefined && outbox.isWaiting(partitionIn(group, account.homeAccountId).id)
        return [...answer.value.filter((user) => !isUntold(user)), ...here.filter(isUntold)]
      }),

    modifyUser: (partition, sequence, next) =>
      Effect.gen(function* () {
        if (local.wasRemoved(partition, sequence)) return
        if (isLocal(partition)) return yield* local.modifyUser(partition, sequence, next)
        const before = yield* local.user(partition)
        const modified = backing.modifyUser(partition, standings.epochOf(partition), before, next)
        const answer = yield* ask(partition, "compareAndSet", modified)
        if (local.wasRemoved(partition, sequence)) return
        if (Option.isSome(answer)) {
          standings.settle(partition, answer.value.epoch)
          local.putUser(partition, answer.value.user)
          if (answer.value.isNew && answer.value.user !== undefined) yield* enlist(partition)
        } else {
          yield* local.modifyUser(partition, sequence, next)
          // A renewal that waits will write whatever memory holds by then.
          const isRenewal = next(undefined) === undefined
          yield* outbox.send(partition.id, later(partition, next), isRenewal ? "renewal" : undefined)
          yield* enlist(partition)
        }
      }),

    remove: (partition) =>
      Effect.gen(function* () {
        const wasHere = yield* local.remove(partition)
        if (isLocal(partition)) return wasHere
        const answer = wasHere ? Option.none() : yield* ask(partition, "get", backing.user(partition))
        const epoch = yield* makeGuid
        standings.settle(partition, epoch)
        yield* outbox.send(partition.id, backing.remove(partition, epoch))
        return wasHere || (Option.isSome(answer) && answer.value.user !== undefined)
      }),

    removeGroup: (group) => removeAll(group.id, local.removeGroup(group), (at) => backing.removeGroup(group, at)),

    clear: removeAll(everything, local.clear, backing.clear),

    inTurn: (partition, patience, tooLate, use) =>
      leased === undefined || isLocal(partition)
        ? use
        : leased({
            partition,
            name: "turn",
            patience,
            look: Effect.succeedNone,
            tooLate: Effect.fail(tooLate),
            use
          })
  }
}
