const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;"
}

/**
 * A text that is no markup, in an element or between the quotes of an attribute.
 *
 * @internal
 */
export const escaped = (text: string): string => text.replace(/[&<>"']/g, (character) => entities[character] ?? "")
