/**
 * A server on loopback, over `node:http`.
 *
 * @since 0.1.0
 */
import type * as Http from "node:http"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as FiberSet from "effect/FiberSet"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type { CredentialUnavailable } from "../core/TokenError.js"
import { type Ending, type ListenOptions, LoopbackServer, type Redirection } from "./LoopbackServer.js"
import { listenOnBoth } from "./loopbackListenersNode.js"
import { type Reply, refusal, send } from "./loopbackReplyNode.js"
import { endingPath, isAnswerTo, read, readForm } from "./loopbackRequestNode.js"
import { endingPage, takenPage, waitingPage } from "./signInPages.js"

/** How long a browser is kept waiting for a page; then it is given one that asks again. */
const longestHold = "10 seconds"
/** How long a page may take to the browser. */
const longestDelivery = "2 seconds"
/** The same for who closes the scope while browsers wait; sockets know no `TestClock`. */
const longestFarewell = "250 millis"

const unfinished: Ending = {
  _tag: "Failed",
  title: "You were not signed in",
  message: "The program that asked you to sign in does not wait for it any more."
}

/** What one sign-in knows. */
interface SignIn {
  readonly state: string
  readonly response: Deferred.Deferred<URLSearchParams>
  readonly ending: Deferred.Deferred<Ending>
  readonly delivered: Deferred.Deferred<void>
}

const take = ({ response, state }: SignIn, parameters: URLSearchParams): Effect.Effect<Reply> =>
  isAnswerTo(state, parameters)
    ? Effect.map(
        Deferred.succeed(response, parameters),
        (isFirst): Reply =>
          isFirst ? { status: 303, headers: { location: endingPath } } : { status: 409, page: takenPage }
      )
    : Effect.succeed(refusal(400))

/** Holds the answer until there is an ending to tell. */
const tell = (signIn: SignIn, response: Http.ServerResponse): Effect.Effect<void> =>
  Effect.gen(function* () {
    if (!(yield* Deferred.isDone(signIn.response))) return yield* Effect.asVoid(send(response, refusal(404)))
    const ending = yield* Effect.timeoutOption(Deferred.await(signIn.ending), longestHold)
    const page = Option.match(ending, { onNone: () => waitingPage, onSome: endingPage })
    const isSent = yield* send(response, { status: 200, page })
    if (isSent && Option.isSome(ending)) yield* Deferred.succeed(signIn.delivered, undefined)
  })

const handle = (
  signIn: SignIn,
  port: number,
  request: Http.IncomingMessage,
  response: Http.ServerResponse
): Effect.Effect<void> => {
  const answer = (reply: Reply) => send(response, reply)
  const asked = read(request, port)
  switch (asked._tag) {
    case "Ending":
      return tell(signIn, response)
    case "Refused":
      return answer(refusal(asked.status, asked.headers))
    case "Response":
      return Effect.flatMap(take(signIn, new URLSearchParams(asked.query)), answer)
    case "PostedResponse":
      return Effect.flatMap(readForm(request), (form) =>
        form === undefined ? answer(refusal(413)) : Effect.flatMap(take(signIn, new URLSearchParams(form)), answer)
      )
  }
}

const conclude = (signIn: SignIn, ending: Ending): Effect.Effect<void> =>
  Effect.gen(function* () {
    yield* Deferred.succeed(signIn.ending, ending)
    if (!(yield* Deferred.isDone(signIn.response))) return
    // Its caller may be past interruption, and would wait for a browser that has gone.
    yield* Effect.timeoutOption(Effect.interruptible(Deferred.await(signIn.delivered)), longestDelivery)
  })

const listen = ({ port = 0, state }: ListenOptions): Effect.Effect<Redirection, CredentialUnavailable, Scope.Scope> =>
  Effect.gen(function* () {
    const signIn: SignIn = {
      state,
      response: yield* Deferred.make<URLSearchParams>(),
      ending: yield* Deferred.make<Ending>(),
      delivered: yield* Deferred.make<void>()
    }
    const exchanges = yield* FiberSet.make<void>()
    const run = yield* FiberSet.runtime(exchanges)<never>()
    const bound = yield* listenOnBoth((at, request, response) => {
      run(handle(signIn, at, request, response))
    }, port)
    // Before the sockets are closed under those who wait.
    yield* Effect.addFinalizer(() =>
      Effect.zipRight(
        Deferred.succeed(signIn.ending, unfinished),
        FiberSet.awaitEmpty(exchanges).pipe(
          Effect.interruptible,
          Effect.timeoutOption(longestFarewell),
          Effect.withClock(Clock.make())
        )
      )
    )
    return {
      redirectUri: `http://localhost:${bound}`,
      response: Deferred.await(signIn.response),
      conclude: (ending) => conclude(signIn, ending)
    }
  })

/**
 * Listens as long as a sign-in lasts. What is neither a GET nor a posted form, of 16 kB at most, is for another host
 * name, or comes from a script or a frame is refused.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<LoopbackServer> = Layer.succeed(LoopbackServer, { listen })
