/** Log of this image's scripts: JSON lines, as in Medusa's own log in production. */
"use strict"

const say = (level, message) => console.log(JSON.stringify({ level, message, timestamp: new Date().toISOString() }))

module.exports = { say }
