import type pg from 'pg'

/**
 * What `work` does is done whole or not at all, on a connection of its own. A connection that cannot even be told to
 * take it back is thrown away.
 */
export async function transaction<T>(
  pool: Pick<pg.Pool, 'connect'>,
  work: (client: pg.PoolClient) => Promise<T>,
): Promise<T> {
  const client = await pool.connect()
  let isBroken = false
  try {
    await client.query('begin')
    const answer = await work(client)
    await client.query('commit')
    return answer
  } catch (error) {
    isBroken = !(await client.query('rollback').then(
      () => true,
      () => false,
    ))
    throw error
  } finally {
    client.release(isBroken)
  }
}
