import type { PlatformError } from "@effect/platform/Error"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import { type FileFailure, failureOf, isNotFound, patiently } from "./fileFailure.js"
import { type FileFolder, isOlder, removeFile, touch, touchNew, uniquePart } from "./fileFolder.js"

/*
 * One process at a time changes a file, and one that is killed leaves nothing that others could not clear away.
 *
 * Whoever wants to change a file makes a claim: a file of its own with a name that is never used again. It holds the
 * file once a listing that began after its claim was made shows no other claim. Then it reads the file, writes the new
 * content into its claim, and renames the claim over the file: that is the change, and the end of the claim. A claim
 * that was not touched for a while may be removed by anybody.
 *
 * Why nobody changes a file between another's look at it and that one's change of it: let B list, read and rename, and
 * A rename in between. A's claim was there until then, and B's listing did not show it: so it was made after that
 * listing had begun, and A's own listing later still, when B's claim was there. A did not see it only if it was gone,
 * and saw it only to remove it; a claim that is gone can't be renamed. So B's change did not happen.
 *
 * That rests on a listing showing whatever is there from its beginning to its end, as local file systems do; a
 * network's that answers listings from a cache may let two in.
 *
 * No clock is part of that. If a holder that still lives is taken for dead (it was suspended, its disk took too long,
 * clocks differ), its rename fails and it begins again. As claims have names of their own, removing one that seems
 * dead never removes a newer one: the race of two processes that both clear away one stale lock does not exist.
 *
 * Of claims that see each other the one with the least name stays and the others withdraw, so somebody always gets on.
 *
 * Removing a file is not covered as well as replacing it: a holder that is suspended for longer than a claim lives
 * between its last look and the removal may remove what was written meanwhile. So only what has ended is removed, all
 * else is replaced; what a store is asked to forget is replaced by an entry that has ended.
 */

/** A claim that was not touched for so long is dead, in milliseconds. */
const lifetime = 10_000

/** How often a holder touches its claim. */
const heartbeat = Duration.seconds(2)

/** How long to wait for others unless told otherwise: longer than it takes to tell that one of them is dead. */
const patience = Duration.seconds(15)

/**
 * What becomes of a file.
 *
 * @internal
 */
export type Next =
  | { readonly _tag: "Replace"; readonly content: Uint8Array }
  | { readonly _tag: "Remove" }
  | { readonly _tag: "Keep" }

/** @internal */
export const replace = (content: Uint8Array): Next => ({ _tag: "Replace", content })

/** @internal */
export const removal: Next = { _tag: "Remove" }

/** @internal */
export const keep: Next = { _tag: "Keep" }

const ending = ".new"
const claims = /^(.+\.)?[0-9a-f]{32}\.new$/

/**
 * Whether a name is that of a claim, or of another file that was only to be there for a moment.
 *
 * @internal
 */
export const isClaim = (name: string): boolean => claims.test(name)

const isClaimOf = (file: string, name: string) => name.startsWith(`${file}.`) && isClaim(name)

const isAlive = (folder: FileFolder, claim: string) =>
  isOlder(folder, claim, lifetime).pipe(
    Effect.tap((dead) => (dead ? removeFile(folder, claim) : Effect.void)),
    Effect.map((dead) => !dead),
    Effect.catchIf(isNotFound, () => Effect.succeed(false))
  )

const othersOf = (folder: FileFolder, file: string, mine?: string) =>
  folder.fs.readDirectory(folder.path).pipe(
    Effect.flatMap((names) =>
      Effect.filter(
        names.filter((name) => name !== mine && isClaimOf(file, name)),
        (claim) => isAlive(folder, claim)
      )
    ),
    Effect.mapError(failureOf(folder.path))
  )

const pause = (tries: number) =>
  Effect.flatMap(Random.nextRange(0.5, 1), (part) => Effect.sleep(Duration.millis(Math.min(50, 5 * 2 ** tries) * part)))

const isOver = (deadline: number) => Effect.map(Clock.currentTimeMillis, (now) => now >= deadline)

/** Stays until the file is this claim's, unless another has more right to it. */
const isHolder = (
  folder: FileFolder,
  file: string,
  mine: string,
  deadline: number
): Effect.Effect<boolean, FileFailure> =>
  Effect.gen(function* () {
    for (;;) {
      const others = yield* othersOf(folder, file, mine)
      if (others.length === 0) return true
      if (others.some((other) => other < mine) || (yield* isOver(deadline))) return false
      yield* pause(0)
    }
  })

const whileTouching = <A, E>(folder: FileFolder, claim: string, work: Effect.Effect<A, E>): Effect.Effect<A, E> =>
  Effect.acquireUseRelease(
    Effect.sleep(heartbeat).pipe(
      Effect.zipRight(Effect.ignore(touch(folder, claim))),
      Effect.forever,
      Effect.interruptible,
      Effect.fork
    ),
    () => work,
    (fiber) => Fiber.interrupt(fiber)
  )

/** `r+` makes no file: a claim that was removed must not come back by being written. */
const write = (folder: FileFolder, claim: string, content: Uint8Array) =>
  Effect.scoped(
    Effect.flatMap(folder.fs.open(folder.pathOf(claim), { flag: "r+" }), (handle) =>
      Effect.zipRight(handle.writeAll(content), handle.sync)
    )
  )

const carryOut = (folder: FileFolder, file: string, claim: string, next: Next): Effect.Effect<void, PlatformError> => {
  if (next._tag === "Keep") return Effect.void
  if (next._tag === "Remove") return Effect.zipRight(touch(folder, claim), removeFile(folder, file))
  return Effect.zipRight(
    write(folder, claim, next.content),
    patiently(folder.fs.rename(folder.pathOf(claim), folder.pathOf(file)))
  )
}

/** None if others were there first, or took this for dead. */
const attempt = (
  folder: FileFolder,
  file: string,
  decide: Effect.Effect<Next, FileFailure>,
  deadline: number
): Effect.Effect<Option.Option<Next>, FileFailure> => {
  const decided = (claim: string) =>
    Effect.flatMap(decide, (next) =>
      carryOut(folder, file, claim, next).pipe(
        Effect.as(Option.some(next)),
        Effect.catchIf(isNotFound, () => Effect.succeedNone),
        Effect.mapError(failureOf(folder.path))
      )
    )
  return Effect.acquireUseRelease(
    Effect.map(uniquePart, (unique) => `${file}.${unique}${ending}`).pipe(
      Effect.tap((claim) => touchNew(folder.fs, folder.pathOf(claim))),
      Effect.mapError(failureOf(folder.path))
    ),
    (claim) =>
      Effect.if(isHolder(folder, file, claim, deadline), {
        onTrue: () => Effect.uninterruptible(whileTouching(folder, claim, decided(claim))),
        onFalse: () => Effect.succeedNone
      }),
    (claim) => Effect.ignore(removeFile(folder, claim))
  )
}

/**
 * Changes a file to what is decided while nobody else changes it, and gives what was decided. It is decided again if
 * others took this for dead meanwhile. Waiting can be interrupted and leaves nothing behind; deciding and changing
 * can't.
 *
 * @internal
 */
export const change = (
  folder: FileFolder,
  file: string,
  decide: Effect.Effect<Next, FileFailure>,
  wait: Duration.Duration = patience
): Effect.Effect<Next, FileFailure> =>
  Effect.gen(function* () {
    const deadline = (yield* Clock.currentTimeMillis) + Duration.toMillis(wait)
    for (let tries = 0; ; tries += 1) {
      if ((yield* othersOf(folder, file)).length === 0) {
        const done = yield* attempt(folder, file, decide, deadline)
        if (Option.isSome(done)) return done.value
      }
      if (yield* isOver(deadline)) return yield* Effect.fail<FileFailure>({ reason: "timeout" })
      yield* pause(tries)
    }
  })
