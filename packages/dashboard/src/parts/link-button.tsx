import { Button, type ButtonProps } from '@mantine/core'
import { createLink } from '@tanstack/react-router'
import { type AnchorHTMLAttributes, forwardRef } from 'react'

type Props = ButtonProps & Omit<AnchorHTMLAttributes<HTMLAnchorElement>, keyof ButtonProps>

/** A button that leads somewhere. */
export const LinkButton = createLink(
  forwardRef<HTMLAnchorElement, Props>((props, ref) => (
    <Button component="a" ref={ref} {...props} />
  )),
)
