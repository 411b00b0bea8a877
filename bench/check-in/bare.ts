// The peer of the check-in benchmark: a Fastify route that reads the same body and answers as much, and does
// nothing else.

import fastify from 'fastify'

const app = fastify()
app.post('/check-in', async (request) => {
  const { installed } = request.body as { installed: object }
  return { offers: [], nextCheckInSeconds: 3600 + Object.keys(installed).length - 1 }
})
console.log(JSON.stringify({ url: `${await app.listen({ port: 0, host: '127.0.0.1' })}/check-in` }))
