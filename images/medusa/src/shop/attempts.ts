/** Counts failed order lookups, so that nobody can try all order numbers with a known e-mail address. */

const most = 10
const span = 10 * 60 * 1000 // ms
const attempts = new Map<string, { count: number; until: number }>()

const current = (who: string, now: number) => {
  const found = attempts.get(who)
  return found && found.until > now ? found : { count: 0, until: now + span }
}

export const tooMany = (who: string, now = Date.now()) => current(who, now).count >= most

export function noteVain(who: string, now = Date.now()) {
  for (const [other, { until }] of attempts) if (until <= now) attempts.delete(other)
  const { count, until } = current(who, now)
  attempts.set(who, { count: count + 1, until })
}
