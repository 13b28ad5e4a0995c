package auth

var SessionHash = sessionHash
