/** What a browser shows at the end of a sign-in: pages that need nothing else, and run nothing. */
import { escaped } from "../core/html.js"
import type { Ending } from "./LoopbackServer.js"

/** With the hash below. */
const style = [
  ":root{color-scheme:light dark;--back:#f3f4f6;--card:#fff;--text:#1b1f24;--soft:#57606a;--line:#d8dee4",
  ";--good:#1a7f37;--bad:#b3261e;--calm:#0b63b5}",
  "@media(prefers-color-scheme:dark){:root{--back:#0d1117;--card:#161b22;--text:#e6edf3;--soft:#9aa4af;--line:#30363d",
  ";--good:#4ac26b;--bad:#ff8a80;--calm:#6cb6ff}}",
  "*{box-sizing:border-box}",
  "body{margin:0;min-height:100vh;min-height:100dvh;display:grid;place-items:center;padding:1rem",
  ";background:var(--back);color:var(--text)",
  ";font:1rem/1.5 system-ui,-apple-system,'Segoe UI',Roboto,sans-serif}",
  "main{width:100%;max-width:30rem;padding:2.5rem 2rem;background:var(--card);border:1px solid var(--line)",
  ";border-radius:.75rem;text-align:center;overflow-wrap:anywhere}",
  "svg{width:3.5rem;height:3.5rem;fill:none;stroke:currentColor;stroke-width:2;stroke-linecap:round",
  ";stroke-linejoin:round}",
  ".good{color:var(--good)}.bad{color:var(--bad)}.calm,.busy{color:var(--calm)}",
  "h1{margin:1rem 0 .5rem;font-size:1.5rem;line-height:1.25;font-weight:600;text-wrap:balance}",
  "p{margin:0;white-space:pre-line;text-wrap:balance}",
  "p+p{margin-top:1.25rem;color:var(--soft);font-size:.9rem}"
].join("")

/** SHA-256 of the style, which allows it and no other (Content Security Policy 3, 2.3.1). */
const styleHash = "sha256-769OdWgqt3bC9Ye8K6rFp/4NVRTiim9gsaL6c2LkDOo="

/**
 * What the pages are shown under: nothing is loaded, run, framed or posted.
 *
 * @internal
 */
export const contentSecurityPolicy: string = [
  "default-src 'none'",
  `style-src '${styleHash}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'"
].join("; ")

/** Of what a server says no more is shown (UTF-16 code units). */
const longestTitle = 120
const longestText = 2048

/** Controls, but for the end of a line, and what turns the direction of the text that follows. */
const unprintable = /[^\P{Cc}\n]|\p{Bidi_Control}|\p{Cs}/gu

const shown = (text: string, longest: number): string => escaped(text.slice(0, longest).replace(unprintable, ""))

/** Inside of a circle of 24 units. */
const marks = {
  good: '<path d="m7.5 12.5 3 3 6-6.5"/>',
  bad: '<path d="M12 7v6M12 16.5v.01"/>',
  calm: '<path d="M12 11v6M12 7.5v.01"/>',
  busy: '<path d="M12 7v5l3 2"/>'
}

interface Page {
  readonly mood: keyof typeof marks
  readonly title: string
  readonly text: string
  /** What to do now. */
  readonly advice?: string | undefined
  /** Seconds until it is asked for again. */
  readonly refresh?: number | undefined
}

const render = ({ advice, mood, refresh, text, title }: Page): string => {
  const heading = shown(title, longestTitle)
  return [
    '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width,initial-scale=1">',
    '<meta name="robots" content="noindex">',
    refresh === undefined ? "" : `<meta http-equiv="refresh" content="${refresh}">`,
    `<title>${heading}</title><style>${style}</style></head><body><main>`,
    `<svg class="${mood}" viewBox="0 0 24 24" aria-hidden="true"><circle cx="12" cy="12" r="10"/>${marks[mood]}</svg>`,
    `<h1 dir="auto">${heading}</h1><p dir="auto">${shown(text, longestText)}</p>`,
    advice === undefined ? "" : `<p>${advice}</p>`,
    "</main></body></html>"
  ].join("")
}

const signedIn = render({
  mood: "good",
  title: "You are signed in",
  text: "You can close this tab and go back to the program."
})

/**
 * @internal
 */
export const endingPage = (ending: Ending): string =>
  ending._tag === "SignedIn"
    ? signedIn
    : render({
        mood: "bad",
        title: ending.title,
        text: ending.message,
        advice: "You can close this tab. To try again, go back to the program."
      })

/**
 * Asks again by itself.
 *
 * @internal
 */
export const waitingPage: string = render({
  mood: "busy",
  title: "Signing you in",
  text: "This takes longer than usual. The page goes on by itself.",
  refresh: 1
})

/**
 * @internal
 */
export const takenPage: string = render({
  mood: "calm",
  title: "This sign-in was answered already",
  text: "Its answer came back once, and counts only once. You can close this tab."
})

/**
 * For whatever comes that no sign-in waits for.
 *
 * @internal
 */
export const notOurs: string = render({
  mood: "calm",
  title: "Nothing waits for this page",
  text: "It does not belong to a sign-in that is under way here. You can close this tab.",
  advice: "To sign in, begin anew from the program."
})
