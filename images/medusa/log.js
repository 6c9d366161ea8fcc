/** What this image's own scripts tell: a line of JSON each, as Medusa's own log has them in production. */
"use strict"

const say = (level, message) => console.log(JSON.stringify({ level, message, timestamp: new Date().toISOString() }))

module.exports = { say }
