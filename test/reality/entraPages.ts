import { Redacted } from "effect"
import type { Page } from "playwright-core"
import { defaults } from "../client/publicClients.js"
import { headed, pressing } from "./personAtTab.js"

export const bob = defaults.secondUsername
export const passwd = Redacted.value(defaults.password)

export const pick = (username: string) => (tab: Page) => pressing(tab)(username)

export const typePassword = async (tab: Page, text = passwd) => {
  await tab.getByLabel("Password").fill(text)
  await pressing(tab)("Sign in")
}

export const pickBob = async (tab: Page) => {
  await pick(bob)(tab)
  await typePassword(tab)
}

/** Types what the telephone shows. */
export const typeCode = async (tab: Page) => {
  await tab.getByLabel("Code").fill((await tab.locator(".code").textContent()) ?? "")
  await pressing(tab)("Verify")
}

export const ends = (title: string) => (tab: Page) => headed(tab, title)
export const endsWell = ends("You are signed in")

export const inTurn =
  (...acts: ReadonlyArray<(tab: Page) => Promise<unknown>>) =>
  async (tab: Page) => {
    for (const act of acts) await act(tab)
  }
