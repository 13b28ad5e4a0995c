// A cart: what it keeps of a visitor is in coatcheck's session. Node 18 or newer, nothing else.
//   PORT=3000 SESSION_API=http://127.0.0.1:9092 node cart.mjs
import { createServer } from 'node:http'

const api = process.env.SESSION_API ?? 'http://127.0.0.1:9092'

// Session is the session of one request.
class Session {
  constructor(request) {
    this.authorization = 'Bearer ' + request.headers['x-session-token']
  }

  async call(method, name, value, headers = {}) {
    const answer = await fetch(`${api}/session/${encodeURIComponent(name)}`, {
      method,
      headers: { authorization: this.authorization, 'content-type': 'application/json', ...headers },
      body: value === undefined ? undefined : JSON.stringify(value),
      signal: AbortSignal.timeout(10_000),
    })
    if (!answer.ok && answer.status !== 404 && answer.status !== 412) {
      throw new Error(`session API: ${answer.status} ${await answer.text()}`)
    }
    return answer
  }

  // get returns the value and its entity tag.
  async get(name, otherwise) {
    const answer = await this.call('GET', name)
    return answer.ok ? [await answer.json(), answer.headers.get('etag')] : [otherwise, null]
  }

  // update sets name to change(value); again, if another request was faster.
  async update(name, change, otherwise) {
    for (;;) {
      const [value, tag] = await this.get(name, otherwise)
      const condition = tag ? { 'if-match': tag } : { 'if-none-match': '*' }
      const answer = await this.call('PUT', name, change(value), condition)
      if (answer.status !== 412) return
    }
  }
}

async function serve(request, response) {
  const session = new Session(request)
  if (request.method === 'POST') {
    const item = new URL(request.url, 'http://cart').searchParams.get('item')
    await session.update('cart', (cart) => [...cart, item], [])
    response.writeHead(303, { location: '/' }).end() // written before the answer begins: a new visitor gets the cookie with it
    return
  }
  const [cart] = await session.get('cart', [])
  response.setHeader('content-type', 'text/plain; charset=utf-8')
  response.end(`user: ${request.headers['remote-user'] ?? '-'}\ncart: ${JSON.stringify(cart)}\n`)
}

createServer((request, response) => {
  serve(request, response).catch((error) => {
    console.error(error)
    response.writeHead(503).end('no session\n')
  })
}).listen(Number(process.env.PORT ?? 3000), '127.0.0.1')
