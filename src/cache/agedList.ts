/** What knows its neighbours by age. */
export interface Aged<T> {
  older: T | undefined
  newer: T | undefined
}

/**
 * Things in the order in which they came; adding and removing any takes the same time however many there are.
 *
 * @internal
 */
export class AgedList<T extends Aged<T>> {
  oldest: T | undefined
  private newest: T | undefined

  add(item: T): void {
    item.older = this.newest
    item.newer = undefined
    if (this.newest === undefined) this.oldest = item
    else this.newest.newer = item
    this.newest = item
  }

  remove(item: T): void {
    const { newer, older } = item
    if (older === undefined) this.oldest = newer
    else older.newer = newer
    if (newer === undefined) this.newest = older
    else newer.older = older
  }

  clear(): void {
    this.oldest = undefined
    this.newest = undefined
  }
}
