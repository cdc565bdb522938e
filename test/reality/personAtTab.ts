import { assert } from "@effect/vitest"
import { Deferred, Effect, type Scope } from "effect"
import type { Page } from "playwright-core"
import { Browser, type BrowserService } from "../../src/client/Browser.js"
import type { InteractiveRequest, PublicClientService } from "../../src/client/PublicClient.js"
import * as Chromium from "../support/chromium.js"

export const play = <A>(act: () => Promise<A>): Effect.Effect<A> => Effect.promise(act)

/** A person in front of an empty tab, who waits 10 seconds for what should appear. */
export const newTab = Effect.tap(Chromium.newPage(), (tab) => Effect.sync(() => tab.setDefaultTimeout(10_000)))

export const pressing = (tab: Page) => (name: string) => tab.getByRole("button", { name }).click()

export const headed = (tab: Page, name: string) => tab.getByRole("heading", { name }).waitFor()

export const textOf = (tab: Page) => play(() => tab.locator("main").innerText())

/** All that the tab's back and forward buttons know. */
export const historyOf = (tab: Page) =>
  play(async () => {
    const session = await tab.context().newCDPSession(tab)
    const { entries } = await session.send("Page.getNavigationHistory")
    return entries.map(({ url }) => url)
  })

/** Whether anybody listens at a URI. */
export const isOpen = (uri: string) =>
  play(() =>
    fetch(uri).then(
      () => true,
      () => false
    )
  )

/** What became of a sign-in, and where the browser had to come back to. */
export interface Attempt {
  /** The URL that the browser was sent to. */
  readonly sentTo: () => URL
  readonly redirectUri: () => string
  readonly browser: BrowserService
  /** Never ends well: dies if the person could not do what they were there for. */
  readonly stuck: Effect.Effect<never>
  /** Waits until the person has done all that they were there for. */
  readonly done: Effect.Effect<void>
}

/** A browser that shows the URL in this tab, where a person acts on it while the program waits. */
export const attemptAt = (
  tab: Page,
  act: (tab: Page) => Promise<unknown>
): Effect.Effect<Attempt, never, Scope.Scope> =>
  Effect.gen(function* () {
    const scope = yield* Effect.scope
    const acted = yield* Deferred.make<void>()
    const urls: Array<URL> = []
    const sentTo = () => {
      const [url] = urls
      return url ?? assert.fail("the browser was not opened")
    }
    return {
      sentTo,
      redirectUri: () => sentTo().searchParams.get("redirect_uri") ?? "",
      browser: {
        open: (url) =>
          Effect.sync(() => urls.push(url)).pipe(
            Effect.zipRight(play(() => tab.goto(url.href))),
            Effect.zipRight(play(() => act(tab))),
            Effect.asVoid,
            Effect.intoDeferred(acted),
            Effect.forkIn(scope),
            Effect.asVoid
          )
      },
      stuck: Effect.zipRight(Deferred.await(acted), Effect.never),
      done: Deferred.await(acted)
    }
  })

/** Has the person sign in who acts at this tab; ends with the result, the person too. */
export const signIn = (
  client: Pick<PublicClientService, "acquireTokenInteractive">,
  attempt: Attempt,
  request: InteractiveRequest
) =>
  client
    .acquireTokenInteractive(request)
    .pipe(
      Effect.provideService(Browser, attempt.browser),
      Effect.raceFirst(attempt.stuck),
      Effect.zipLeft(attempt.done)
    )

/** The end of a sign-in as its tab shows it: our page, of which the address and the history tell nothing. */
export const assertTellsNothing = (tab: Page, { redirectUri, sentTo }: Attempt) =>
  Effect.gen(function* () {
    const state = sentTo().searchParams.get("state") ?? assert.fail("no state was sent")
    assert.strictEqual(tab.url(), `${redirectUri()}/done`)
    const ours = (yield* historyOf(tab)).filter((url) => url.startsWith(redirectUri()))
    assert.deepStrictEqual(ours, [`${redirectUri()}/done`])
    const content = yield* play(() => tab.content())
    assert.notInclude(content, state)
    assert.notInclude(content, "code=")
    assert.isFalse(yield* isOpen(redirectUri()), "the port is closed")
  })
